-- Leases; holder, ttl, keep, their tokens. The numbers, from 1, of those that are no longer the holder's.
local lost = {}
for number, lease in ipairs(KEYS) do
  local holder, token = unpack(redis.call('HMGET', lease, 'holder', 'token'))
  if holder == ARGV[1] and token == ARGV[3 + number] then
    redis.call('HSET', lease, 'until', text(now + ARGV[2]))
    redis.call('PEXPIRE', lease, ARGV[3])
  else
    lost[#lost + 1] = number
  end
end
return lost
