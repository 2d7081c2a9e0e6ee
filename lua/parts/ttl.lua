-- Part: decides whether this write sets the time to live: always for a sliding one, if the hash has none for an absolute one.
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
