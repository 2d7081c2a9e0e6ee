-- Part: reads what the decision about several keys needs.
-- Needs ARGV[4], how many keys, and ARGV[5...], the keys.
-- Gives count, stored (=rev), kind (=kind), now (the value of each key, false for none), previous (false: all are missing).
local count = tonumber(ARGV[4])
local ask = {'HMGET', KEYS[1], '=rev', '=kind'}
for i = 1, count do
  ask[i + 4] = ARGV[i + 4]
end
local read = redis.pcall(unpack(ask))
if read.err then
  return redis.error_reply('RMAPREFUSED ' .. read.err)
end
local stored, kind, now, previous = read[1], read[2], {}, false
for i = 1, count do
  now[i] = read[i + 2]
  previous = previous or now[i]
end
