-- snapshot: does what probe does, and reads all fields if the hash is small.
-- KEYS  1 hash
-- ARGV  1 private channel, 2 id of the mark, 3 side, 4 leases, 5 most fields, 6 most bytes of fields and values
-- Reply [1 with the fields, 0 without, HLEN, PTTL, revision, 1 when the last change cleared the map, INFO replication | '',
--       clock in ms | 0, ms to the next deadline | -1, -2, -3 as in probe, [field, value, field, value, ...]]
-- Event the mark, on the private channel
-- Needs cleared, clock, count, left, next_due, replication, revision
local reply = {0, count, left, revision, cleared, replication, clock, next_due}
if count > tonumber(ARGV[5]) then
  return reply
end
-- A few huge values must not be copied before the limit excludes them. The memory in use bounds the lengths with one call,
-- because compact encodings at most halve them. If that bound is not enough, or MEMORY is not allowed, the lengths are
-- added up.
local most = tonumber(ARGV[6])
local used = redis.pcall('MEMORY', 'USAGE', KEYS[1], 'SAMPLES', '0')
if type(used) ~= 'number' or used * 2 > most then
  local fields = redis.pcall('HKEYS', KEYS[1])
  if fields.err then
    return redis.error_reply('RMAPREFUSED ' .. fields.err)
  end
  local bytes = 0
  for i = 1, #fields do
    local length = redis.pcall('HSTRLEN', KEYS[1], fields[i])
    if type(length) == 'table' then
      return redis.error_reply('RMAPREFUSED ' .. length.err)
    end
    bytes = bytes + #fields[i] + length
    if bytes > most then
      return reply
    end
  end
end
local all = redis.pcall('HGETALL', KEYS[1])
if all.err then
  return redis.error_reply('RMAPREFUSED ' .. all.err)
end
reply[1] = 1
reply[9] = all
return reply
