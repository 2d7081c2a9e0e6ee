-- Part: writes several keys, sets the time to live, publishes, replies.
-- Needs puts, base, now, changed (numbers of keys more), total (of both, at least one), stored, revision, new, deadline,
-- reply.
-- Content of this size is not put back, so the rights for every step are checked before the first one.
local last = new + total - 1
if last >= 1e14 then
  return redis.error_reply('RMAPEXHAUSTED the last revision would reach 10^14')
end
local put, drop = {'HSET', KEYS[1], '=rev', string.format('%.0f', last), '=kind', 'set'}, {'HDEL', KEYS[1]}
for i = 5, base - 1 do
  put[i + 2] = ARGV[i]
end
for _, i in ipairs(changed) do
  if now[i] then
    put[#put + 1] = ARGV[base + i]
    put[#put + 1] = now[i]
  else
    drop[#drop + 1] = ARGV[base + i]
  end
end
if changed[1] and not now[changed[#changed]] then
  put[6] = 'del'
end

local denied = not redis.acl_check_cmd('HSET', KEYS[1], '=rev', '0') and 'hset'
  or #drop > 2 and not redis.acl_check_cmd('HDEL', KEYS[1], '=rev') and 'hdel'
  or ARGV[2] ~= 'none' and not redis.acl_check_cmd('PEXPIRE', KEYS[1], ARGV[3]) and 'pexpire'
  or deadline and deadline > 0 and not redis.acl_check_cmd('PEXPIREAT', KEYS[1], '1') and 'pexpireat'
  or not redis.acl_check_cmd('PUBLISH', ARGV[1], '') and 'publish'
if denied then
  return redis.error_reply('RMAPREFUSED NOPERM the user may not run ' .. denied .. ' for this map')
end

-- A full memory refuses the first command that could need more. Deletes alone need none and come first, as they may.
local first, second = put, drop
if #put == 6 then
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
  if ARGV[2] == 'sliding' then
    done = redis.pcall('PEXPIRE', KEYS[1], ARGV[3])
  else
    if deadline and deadline > 0 and first == drop then
      done = redis.pcall('PEXPIREAT', KEYS[1], string.format('%.0f', deadline))
    end
    if ARGV[2] == 'absolute' and type(done) ~= 'table' then
      done = redis.pcall('PEXPIRE', KEYS[1], ARGV[3], 'NX')
    end
  end
end

local pack, call, channel, rest = struct.pack, redis.pcall, ARGV[1], total
local tag = revision == -1 and 'RMN\0\0\0\0B\4\0\0\0' or 'RMB\4\0\0\0'
local function tags()
  rest = rest - 1
  local tags = rest > 0 and pack('<c0I4', tag, rest) or revision == -1 and total == 1 and 'RMN\0\0\0\0' or ''
  tag = 'RMB\4\0\0\0'
  return tags
end
for i = 5, base - 1, 2 do
  if type(done) == 'table' then
    break
  end
  local key, value, text = ARGV[i], ARGV[i + 1], string.format('%.0f', last - rest + 1)
  done = call('PUBLISH', channel,
    pack('<c4I4c0I4c0I4c0', 'set:', #key, key, #value, value, #text, text) .. tags())
end
for _, i in ipairs(changed) do
  if type(done) == 'table' then
    break
  end
  local key, value, text = ARGV[base + i], now[i], string.format('%.0f', last - rest + 1)
  if value then
    value = pack('<c4I4c0I4c0I4c0', 'set:', #key, key, #value, value, #text, text)
  else
    value = pack('<c4I4c0I4c0', 'del:', #key, key, #text, text)
  end
  done = call('PUBLISH', channel, value .. tags())
end
if type(done) == 'table' then
  return redis.error_reply('RMAPPARTIAL ' .. done.err)
end
reply[2] = last
return reply
