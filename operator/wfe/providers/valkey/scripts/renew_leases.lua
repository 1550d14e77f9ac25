-- Each lease, leases; holder, ttl, keep, the token of each. The numbers, from 1, of those that the holder has lost.
local leases, ends = KEYS[#KEYS], text(now + ARGV[2])
local lost = {}
for number = 1, #KEYS - 1 do
  local holder, token = unpack(redis.call('HMGET', KEYS[number], 'holder', 'token'))
  if holder == ARGV[1] and token == ARGV[3 + number] then
    redis.call('HSET', KEYS[number], 'until', ends)
    redis.call('PEXPIRE', KEYS[number], ARGV[3])
    redis.call('ZADD', leases, ends, KEYS[number])
  else
    lost[#lost + 1] = number
  end
end
return lost
