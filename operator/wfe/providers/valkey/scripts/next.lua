-- Times, again, taken, claims, bell. How long until the first time, or nothing, and the last ring of the bell.
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local rung = redis.call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)
return { first[2] and text(first[2] - now) or '', rung[1] and rung[1][1] or '0-0' }
