-- Part: reads the fields that an operation on the whole map depends on.
-- stored: =rev. kind: =kind. previous: false, as there is no key.
-- Gives kind, previous, stored
local read = redis.pcall('HMGET', KEYS[1], '=rev', '=kind')
if read.err then
  return redis.error_reply('RMAPREFUSED ' .. read.err)
end
local stored, kind, previous = read[1], read[2], false
