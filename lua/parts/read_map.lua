-- Part: reads what the decision about the whole map needs.
-- stored is =rev. kind is =kind. previous is false, as there is no key.
-- Gives kind, previous, stored
local read = redis.pcall('HMGET', KEYS[1], '=rev', '=kind')
if read.err then
  return redis.error_reply('RMAPREFUSED ' .. read.err)
end
local stored, kind, previous = read[1], read[2], false
