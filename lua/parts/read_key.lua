-- Part: reads what the decision about one key needs.
-- Gives call (redis.pcall), hash, key, read, stored (=rev), kind (=kind), previous (the key's value), shown (the value that
-- the reply tells, unless the operation says otherwise: none). Locals cost less than globals and their elements.
local call, hash, key = redis.pcall, KEYS[1], ARGV[4]
local read = call('HMGET', hash, '=rev', '=kind', key)
if read.err then
  return redis.error_reply('RMAPREFUSED ' .. read.err)
end
local stored, kind, previous = read[1], read[2], read[3]
local shown = false
