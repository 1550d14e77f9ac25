-- Lease, fence, leases; holder, ttl, keep. The token, or nil while another's ttl runs.
local holder, ends, token = unpack(redis.call('HMGET', KEYS[1], 'holder', 'until', 'token'))
if not holder or holder == '' or tonumber(ends) <= now then
  -- By the clock at least, so that tokens grow even when the server has forgotten the last one.
  token = text(math.max(now, (redis.call('GET', KEYS[2]) or 0) + 1))
  redis.call('SET', KEYS[2], token)
elseif holder ~= ARGV[1] then
  return false
end
local ends = text(now + ARGV[2])
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', ends, 'token', token)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[3], ends, KEYS[1])
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', text(now - ARGV[3] * 1000))
return token
