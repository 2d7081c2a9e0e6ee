-- Part: reads what the decision about the whole map needs.
-- Gives stored (=rev), kind (=kind), previous (false: there is no key).
local read = redis.pcall('HMGET', KEYS[1], '=rev', '=kind')
if read.err then
  return redis.error_reply('RMAPREFUSED ' .. read.err)
end
local stored, kind, previous = read[1], read[2], false
