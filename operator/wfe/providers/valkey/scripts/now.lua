-- Stands before every script. Times are microseconds since 1970 by the server's clock, which all share.
local function text(number) return string.format('%.0f', number) end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
