-- Part: proves every command that changes several keys, before the first notification (see README.md).
-- Where there is =rev, the fields of drop are deleted here: the hash stays, and HSET can put them back.
-- put is a complete HSET. drop is an HDEL with as many fields as there are. adds is false where
-- no key gets a value, or was to.
-- Needs adds, drop, expires, put, stored
-- Gives call, hash, refused
local call, hash = redis.pcall, KEYS[1]
local lacks = stored and call('HSET', hash, '=rev', stored) or call('HSET', hash, '=rev', put[4], '=kind')
if type(lacks) == 'table' then
  -- What frees memory may be done where it is full; that HSET is refused for that proves the right to it.
  local proven = not stored and string.find(lacks.err, 'wrong number', 1, true) or not adds and string.find(lacks.err, '^OOM')
  lacks = not proven and lacks
end
if expires and type(lacks) ~= 'table' then
  lacks = call('PEXPIRE', hash, '4611686018427387904', 'XX', 'LT')
end
if #drop > 2 and type(lacks) ~= 'table' then
  lacks = stored and call(unpack(drop)) or call('HDEL', hash, '=rev')
end
if type(lacks) == 'table' then
  return redis.error_reply('RMAPREFUSED ' .. lacks.err)
end

-- The error reply after PUBLISH was refused with `error`. back: a complete HSET of the fields of drop and what they held.
local function refused(error, back)
  local undone = stored and #back > 2 and call(unpack(back))
  if type(undone) == 'table' then
    return redis.error_reply('RMAPPARTIAL ' .. undone.err)
  end
  return redis.error_reply('RMAPREFUSED ' .. error)
end
