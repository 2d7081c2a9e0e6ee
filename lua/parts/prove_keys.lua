-- Part: proves every command that changes several keys, before the first notification (see README.md).
-- If there is =rev, the fields of drop are already deleted here: the hash stays, and HSET can put the fields back.
-- put: a complete HSET. drop: an HDEL of the fields to delete, possibly none. adds: false when no write sets a key.
-- Needs adds, drop, expires, put, stored
-- Gives call, hash, refused
local call, hash = redis.pcall, KEYS[1]
local lacks = stored and call('HSET', hash, '=rev', stored) or call('HSET', hash, '=rev', put[4], '=kind')
if type(lacks) == 'table' then
  -- A write that only deletes frees memory, so it may go on when memory is full. OOM proves the right to HSET.
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

-- Restores the fields of drop after the server refused PUBLISH with `error`. back: a complete HSET of these fields and
-- their values.
local function refused(error, back)
  local undone = stored and #back > 2 and call(unpack(back))
  if type(undone) == 'table' then
    return redis.error_reply('RMAPPARTIAL ' .. undone.err)
  end
  return redis.error_reply('RMAPREFUSED ' .. error)
end
