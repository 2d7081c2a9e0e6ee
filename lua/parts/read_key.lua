-- Part: reads the fields that a write of one key depends on.
-- stored: =rev. kind: =kind. previous: the key's value. call, hash and key are locals because globals and their elements
-- cost more.
-- Gives call, hash, key, kind, previous, stored
local call, hash, key = redis.pcall, KEYS[1], ARGV[4]
local read = call('HMGET', hash, '=rev', '=kind', key)
if read.err then
  return redis.error_reply('RMAPREFUSED ' .. read.err)
end
local stored, kind, previous = read[1], read[2], read[3]
