-- Times, again, taken, claims; limit, claim, taker. Keys and their tokens, in turns, the oldest time first.
local times, again, stream, claims = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local limit, claim, taker = ARGV[1], ARGV[2], ARGV[3]
local due = redis.call('ZRANGEBYSCORE', times, '-inf', text(now), 'LIMIT', 0, limit)
if #due > 0 and redis.call('EXISTS', stream) == 0 then
  redis.call('XGROUP', 'CREATE', stream, 'takers', 0, 'MKSTREAM')
end

-- The entry of a silent taker passes to this one; nil if there is none.
local function inherited(token)
  local id = token and token:match('^[^/]+')
  local found = id and redis.call('XPENDING', stream, 'takers', id, id, 1)[1]
  if not found or #redis.call('XCLAIM', stream, 'takers', taker, 0, id) == 0 then return nil end
  local before, deliveries = found[2], found[4]
  if before ~= taker and #redis.call('XPENDING', stream, 'takers', '-', '+', 1, before) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', stream, 'takers', before)
  end
  return id .. '/' .. deliveries + 1
end

local function fresh(key)
  redis.call('XADD', stream, '*', 'key', key)
  local read = redis.call('XREADGROUP', 'GROUP', 'takers', taker, 'COUNT', 1, 'STREAMS', stream, '>')
  return read[1][2][1][1] .. '/1'
end

local taken = {}
for _, key in ipairs(due) do
  local token = inherited(redis.call('HGET', claims, key)) or fresh(key)
  redis.call('HSET', claims, key, token)
  redis.call('ZADD', times, text(now + claim), key)
  local put = redis.call('HGET', again, key)
  if put and tonumber(put) <= now then
    redis.call('HDEL', again, key) -- this taker comes after that put
  end
  taken[#taken + 1] = key
  taken[#taken + 1] = token
end
return taken
