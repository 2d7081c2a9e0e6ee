-- Part: reads what the decision about one key needs.
-- Needs ARGV[4], the key. Gives call (redis.pcall), read, stored (=rev), kind (=kind), previous (the key's value), shown (the value that
-- the reply tells, unless the operation says otherwise: none).
local call = redis.pcall
local read = call('HMGET', KEYS[1], '=rev', '=kind', ARGV[4])
if read.err then
  return redis.error_reply('RMAPREFUSED ' .. read.err)
end
local stored, kind, previous = read[1], read[2], read[3]
local shown = false
