-- Part: reads what the decision about one key needs.
-- stored is =rev, kind is =kind, previous the key's value. Locals cost less than globals and their elements.
-- Gives call, hash, key, kind, previous, stored
local call, hash, key = redis.pcall, KEYS[1], ARGV[4]
local read = call('HMGET', hash, '=rev', '=kind', key)
if read.err then
  return redis.error_reply('RMAPREFUSED ' .. read.err)
end
local stored, kind, previous = read[1], read[2], read[3]
