-- Times, again, taken, claims, bell; key, due.
local times, again, claims, bell = KEYS[1], KEYS[2], KEYS[4], KEYS[5]
local key, due = ARGV[1], tonumber(ARGV[2])
local at = redis.call('ZSCORE', times, key)
if at and redis.call('HEXISTS', claims, key) == 1 then
  local before = redis.call('HGET', again, key)
  if not before or due < tonumber(before) then
    redis.call('HSET', again, key, text(due))
  end
elseif not at or due < tonumber(at) then
  redis.call('ZADD', times, text(due), key) -- the first change, since a server that is full refuses no later one
  redis.call('HDEL', claims, key)
  if redis.call('ZRANK', times, key) == 0 then
    redis.call('XADD', bell, 'MAXLEN', 1, '*', 'due', text(due))
  end
end
