-- Part: whether this write sets the time to live: a sliding one always, an absolute one where the hash has none.
-- Gives expires
local ttl = ARGV[2]
local expires = ttl == 'sliding'
if ttl == 'absolute' then
  local left = redis.pcall('PTTL', KEYS[1])
  if type(left) == 'table' then
    return redis.error_reply('RMAPREFUSED ' .. left.err)
  end
  expires = left < 0
end
