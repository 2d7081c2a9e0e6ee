-- Part: clears the map, keeps what remains of its time to live, publishes, replies.
-- Needs new, text, and word: `reset` or `destroy`.
-- The content cannot be put back, so the rights for every step are checked before the first one.
local ttl = ARGV[2] ~= 'none' and ARGV[3]
if ARGV[2] ~= 'sliding' then
  local left = redis.pcall('PTTL', KEYS[1])
  if type(left) == 'table' then
    return redis.error_reply('RMAPREFUSED ' .. left.err)
  end
  if left >= 0 then
    ttl = string.format('%.0f', math.max(left, 1))
  end
end
local payload = word .. ':' .. text

local denied = not redis.acl_check_cmd('UNLINK', KEYS[1]) and 'unlink'
  or not redis.acl_check_cmd('HSET', KEYS[1], '=rev', text) and 'hset'
  or ttl and not redis.acl_check_cmd('PEXPIRE', KEYS[1], ttl) and 'pexpire'
  or not redis.acl_check_cmd('PUBLISH', ARGV[1], payload) and 'publish'
if denied then
  return redis.error_reply('RMAPREFUSED NOPERM the user may not run ' .. denied .. ' for this map')
end

local done = redis.pcall('UNLINK', KEYS[1])
if type(done) == 'table' then
  return redis.error_reply('RMAPREFUSED ' .. done.err)
end
done = redis.pcall('HSET', KEYS[1], '=rev', text, '=kind', word)
if ttl and type(done) ~= 'table' then
  done = redis.pcall('PEXPIRE', KEYS[1], ttl)
end
if type(done) ~= 'table' then
  done = redis.pcall('PUBLISH', ARGV[1], payload)
end
if type(done) == 'table' then
  return redis.error_reply('RMAPPARTIAL ' .. done.err)
end
return {1, new, false, false}
