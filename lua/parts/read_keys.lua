-- Part: reads the fields that a batch depends on.
-- ARGV[base + i]: the i-th further key. stored: =rev. kind: =kind. now: the value of each further key, false for none.
-- previous: false when all further keys are missing.
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
