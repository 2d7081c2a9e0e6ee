-- expires_at: reads the deadline of a key's lease.
-- KEYS  1 hash, 2 side, 3 leases
-- ARGV  1 key
-- Reply [clock in ms, deadline in ms | -1 for no lease, fence | false]
-- Needs clock, holds
local value, record = redis.pcall('HGET', KEYS[1], ARGV[1]), redis.pcall('HGET', KEYS[2], ARGV[1])
local score = redis.pcall('ZMSCORE', KEYS[3], ARGV[1])
local fault = type(value) == 'table' and value.err or type(record) == 'table' and record.err or score.err
if fault then
  return redis.error_reply('RMAPREFUSED ' .. fault)
end
local fence = score[1] and holds(record, value)
if not fence then
  return {clock, -1, false}
end
return {clock, math.min(tonumber(score[1]), 9e15), fence}
