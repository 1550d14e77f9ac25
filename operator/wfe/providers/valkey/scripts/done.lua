-- Times, again, taken, claims, bell; key, token. 1, or 0 if the key was given on.
local times, again, stream, claims, bell = unpack(KEYS)
local key, token = ARGV[1], ARGV[2]
if redis.call('HGET', claims, key) ~= token then return 0 end
local id = token:match('^[^/]+')
redis.call('XACK', stream, 'takers', id)
redis.call('XDEL', stream, id)
redis.call('HDEL', claims, key)
local due = redis.call('HGET', again, key)
if due then
  redis.call('HDEL', again, key)
  redis.call('ZADD', times, due, key)
  redis.call('XADD', bell, 'MAXLEN', 1, '*', 'due', due)
else
  redis.call('ZREM', times, key)
end
return 1
