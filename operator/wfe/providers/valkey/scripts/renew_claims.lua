-- Times, again, taken, claims; claim, taker, keys and their tokens in turns. The numbers, from 1, of those lost.
local times, stream, claims = KEYS[1], KEYS[3], KEYS[4]
local lost = {}
for number = 1, (#ARGV - 2) / 2 do
  local key, token = ARGV[1 + 2 * number], ARGV[2 + 2 * number]
  local at = redis.call('ZSCORE', times, key)
  if at and tonumber(at) > now and redis.call('HGET', claims, key) == token then
    redis.call('ZADD', times, text(now + ARGV[1]), key)
    -- So that the group's list tells for how long its taker has been silent.
    redis.call('XCLAIM', stream, 'takers', ARGV[2], 0, token:match('^[^/]+'), 'JUSTID')
  else
    lost[#lost + 1] = number
  end
end
return lost
