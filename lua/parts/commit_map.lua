-- Part: clears the map, keeps its remaining time to live, publishes, replies.
-- UNLINK and PUBLISH can neither be proved nor taken back, so the script asks for the right to UNLINK with acl_check_cmd.
-- The other commands are proved (see README.md). A refusal of HSET for lack of memory is a proof too, because UNLINK frees
-- memory.
-- Needs new, stored, text, word
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

local done = stored and redis.pcall('HSET', KEYS[1], '=rev', stored) or redis.pcall('HSET', KEYS[1], '=rev', text, '=kind')
if type(done) ~= 'table' or not stored and string.find(done.err, 'wrong number', 1, true) or string.find(done.err, '^OOM') then
  done = ttl and redis.pcall('PEXPIRE', KEYS[1], '4611686018427387904', 'XX', 'LT')
end
if type(done) ~= 'table' and not redis.acl_check_cmd('UNLINK', KEYS[1]) then
  done = {err = 'NOPERM the user may not run unlink for this map'}
end
if type(done) ~= 'table' then
  done = redis.pcall('PUBLISH', ARGV[1], word .. ':' .. text)
end
if type(done) == 'table' then
  return redis.error_reply('RMAPREFUSED ' .. done.err)
end

done = redis.pcall('UNLINK', KEYS[1])
if type(done) ~= 'table' then
  done = redis.pcall('HSET', KEYS[1], '=rev', text, '=kind', word)
end
if ttl and type(done) ~= 'table' then
  done = redis.pcall('PEXPIRE', KEYS[1], ttl)
end
if type(done) == 'table' then
  return redis.error_reply('RMAPPARTIAL ' .. done.err)
end
return {1, new, false, false}
