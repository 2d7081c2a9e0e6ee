-- Part: writes several keys, and sets the time to live.
-- Needs put (a complete HSET), drop (an HDEL with as many fields as there are), adds (false: no key gets a value or was to),
-- removes (a key goes, or one of them did in between), ttl, deadline. Gives done: an error reply if something was refused
-- after the first write.
-- Content of this size is not put back, so the rights for every step are checked before the first one.
local denied = not redis.acl_check_cmd('HSET', KEYS[1], '=rev', '0') and 'hset'
  or removes and not redis.acl_check_cmd('HDEL', KEYS[1], '=rev') and 'hdel'
  or ttl ~= 'none' and not redis.acl_check_cmd('PEXPIRE', KEYS[1], ARGV[3]) and 'pexpire'
  or deadline and deadline > 0 and not redis.acl_check_cmd('PEXPIREAT', KEYS[1], '1') and 'pexpireat'
  or not redis.acl_check_cmd('PUBLISH', ARGV[1], '') and 'publish'
if denied then
  return redis.error_reply('RMAPREFUSED NOPERM the user may not run ' .. denied .. ' for this map')
end

-- A full memory refuses the first command that could need more. Deletes alone need none and come first, as they may.
local first, second = put, drop
if not adds then
  first, second = drop, put
end
local done = redis.pcall(unpack(first))
if type(done) == 'table' then
  return redis.error_reply('RMAPREFUSED ' .. done.err)
end
if #second > 2 then
  done = redis.pcall(unpack(second))
end
if type(done) ~= 'table' then
  if ttl == 'sliding' then
    done = redis.pcall('PEXPIRE', KEYS[1], ARGV[3])
  else
    if deadline and deadline > 0 and not adds then
      done = redis.pcall('PEXPIREAT', KEYS[1], format('%.0f', deadline))
    end
    if ttl == 'absolute' and type(done) ~= 'table' then
      done = redis.pcall('PEXPIRE', KEYS[1], ARGV[3], 'NX')
    end
  end
end
