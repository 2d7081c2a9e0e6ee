-- Part: writes one key, sets the time to live, publishes, replies.
-- A reply without a new value is one string, which costs the server 0.4 us less than an array.
-- The server may refuse PUBLISH, and a publication cannot be taken back. Before PUBLISH, the script therefore writes only
-- what the same command can take back, and proves every other command (see README.md). It writes the rest after PUBLISH.
-- Needs call, expires, hash, key, kind, new, previous, revision, shown, stored, text, value
local pack, word, payload = struct.pack, value and 'set' or 'del', nil
if value then
  payload = pack('<c4I4c0I4c0I4c0', 'set:', #key, key, #value, value, #text, text)
  if revision == -1 then
    payload = payload .. 'RMN\0\0\0\0'
  end
else
  payload = pack('<c4I4c0I4c0', 'del:', #key, key, #text, text)
end

local whole, wrote, done = stored and kind, true, nil
if not whole then
  -- The write creates a field, and HSET could not remove it again. So nothing is written yet. This HDEL deletes nothing,
  -- because
-- its field is missing.
  if not value then
    done = call('HDEL', hash, stored and '=kind' or '=rev')
  end
  if type(done) ~= 'table' then
    done = call('HSET', hash, '=rev', text, '=kind')
    if string.find(done.err, 'wrong number', 1, true) then
      done = nil
    end
  end
  wrote = false
elseif not value then
  done = call('HSET', hash, '=rev', text, '=kind', 'del')
  if type(done) ~= 'table' then
    done = call('HDEL', hash, key)
  elseif string.find(done.err, '^OOM') then
    -- The server checks rights before memory, so OOM proves the right to HSET. And it stops checking memory once a script
    -- has written.
    done = call('HDEL', hash, key)
    wrote = type(done) ~= 'table'
    if wrote then
      done = call('HSET', hash, '=rev', text, '=kind', 'del')
    end
  else
    wrote = false
  end
else
  if previous then
    done = call('HSET', hash, '=rev', text, '=kind', 'set', key, value)
  else
    done = call('HSET', hash, '=kind', 'set')
  end
  wrote = type(done) ~= 'table'
end

if expires and type(done) ~= 'table' then
  done = call('PEXPIRE', hash, '4611686018427387904', 'XX', 'LT')
end
if type(done) ~= 'table' then
  done = call('PUBLISH', ARGV[1], payload)
end
if type(done) == 'table' then
  local undone
  if wrote and previous then
    undone = call('HSET', hash, '=rev', stored, '=kind', kind, key, previous)
  elseif wrote then
    undone = call('HSET', hash, '=kind', kind)
  end
  if type(undone) == 'table' then
    return redis.error_reply('RMAPPARTIAL ' .. undone.err)
  end
  return redis.error_reply('RMAPREFUSED ' .. done.err)
end

if not whole then
  done = value and call('HSET', hash, '=rev', text, '=kind', word, key, value) or call('HSET', hash, '=rev', text, '=kind', word)
  if not value and type(done) ~= 'table' then
    done = call('HDEL', hash, key)
  end
elseif not previous then
  done = call('HSET', hash, '=rev', text, key, value)
end
if expires and type(done) ~= 'table' then
  done = call('PEXPIRE', hash, ARGV[3])
end
if type(done) == 'table' then
  return redis.error_reply('RMAPPARTIAL ' .. done.err)
end
if shown then
  return {1, new, previous, shown}
end
return previous and text .. '=' .. previous or text
