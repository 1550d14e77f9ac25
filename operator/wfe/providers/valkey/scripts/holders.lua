-- Leases; what their keys begin with. Those that are held and their holders, in turns.
local found = {}
for _, lease in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. text(now), '+inf')) do
  local holder = lease:sub(1, #ARGV[1]) == ARGV[1] and redis.call('HGET', lease, 'holder')
  if holder and holder ~= '' then
    found[#found + 1] = lease
    found[#found + 1] = holder
  end
end
return found
