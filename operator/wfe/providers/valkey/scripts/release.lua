-- Lease, leases; holder. What remains of it for a while tells a late renewal that it was given on.
if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'holder', '', 'until', '0')
  redis.call('ZREM', KEYS[2], KEYS[1])
end
