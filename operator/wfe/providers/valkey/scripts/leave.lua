-- Taken; taker. A taker that holds nothing is forgotten; the entries of one that does wait for their next taker.
if redis.call('EXISTS', KEYS[1]) == 1 and #redis.call('XPENDING', KEYS[1], 'takers', '-', '+', 1, ARGV[1]) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'takers', ARGV[1])
end
