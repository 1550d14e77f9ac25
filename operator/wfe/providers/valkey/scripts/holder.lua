-- Lease. Who holds it now.
local holder, ends = unpack(redis.call('HMGET', KEYS[1], 'holder', 'until'))
return holder and holder ~= '' and tonumber(ends) > now and holder
