-- reap: deletes the keys whose leases have run out, at most 100, and tells the time left to the next deadline.
-- A lease that no longer guards what its key holds ends silently.
-- KEYS  1 hash, 2 side, 3 leases
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 shared channel
-- Reply [revision (-1: no hash), keys deleted, leases ended silently, ms to the next deadline | -1]
-- Event del for each deleted key. Without any, the time left on the shared channel, so that all who planned a reap plan again
-- Needs clock
-- Gives fences, names, wipes
local names = redis.pcall('ZRANGE', KEYS[3], '-inf', string.format('%.0f', clock), 'BYSCORE', 'LIMIT', '0', '100')
if names.err then
  return redis.error_reply('RMAPREFUSED ' .. names.err)
end
local fences, wipes = false, false
