-- Part: reads what the decision about several keys needs.
-- ARGV[base + i] is the i-th key more. stored is =rev. kind is =kind. now has the value of each key more, false for none.
-- previous is false where all of those are missing.
-- Gives base, count, kind, now, previous, puts, stored
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
