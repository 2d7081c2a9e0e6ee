-- Part: reads what the decision about several keys needs.
-- Needs ARGV[6], how many keys are simply set, ARGV[7...], those and their values, then how many keys more, and those.
-- Gives puts, base (ARGV[base + i] is the i-th key more), count, stored (=rev), kind (=kind), now (the value of each key
-- more, false for none), previous (false: all of those are missing).
local puts = tonumber(ARGV[6])
local base = 7 + 2 * puts
local count = tonumber(ARGV[base])
local ask = {'HMGET', KEYS[1], '=rev', '=kind'}
for i = 1, count do
  ask[i + 4] = ARGV[base + i]
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
