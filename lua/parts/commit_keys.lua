-- Part: writes several keys, sets the time to live, publishes, replies.
-- Needs now, changed (numbers of keys, at least one), stored, revision, new, deadline, reply.
-- Content of this size is not put back, so the rights for every step are checked before the first one.
local last = new + #changed - 1
if last >= 1e14 then
  return redis.error_reply('RMAPEXHAUSTED the last revision would reach 10^14')
end
local put, drop = {'HSET', KEYS[1], '=rev', string.format('%.0f', last), '=kind', ''}, {'HDEL', KEYS[1]}
for _, i in ipairs(changed) do
  if now[i] then
    put[#put + 1] = ARGV[i + 4]
    put[#put + 1] = now[i]
  else
    drop[#drop + 1] = ARGV[i + 4]
  end
end
put[6] = now[changed[#changed]] and 'set' or 'del'

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

local pack, born = struct.pack, revision == -1
for n, i in ipairs(changed) do
  if type(done) == 'table' then
    break
  end
  local key, value, text = ARGV[i + 4], now[i], string.format('%.0f', new + n - 1)
  local tags = born and n == 1 and 'RMN\0\0\0\0' or ''
  if n < #changed then
    tags = (tags == '' and 'RM' or tags) .. pack('<c5I4', 'B\4\0\0\0', #changed - n)
  end
  if value then
    value = 'set:' .. pack('<I4c0I4c0I4c0', #key, key, #value, value, #text, text)
  else
    value = 'del:' .. pack('<I4c0I4c0', #key, key, #text, text)
  end
  done = redis.pcall('PUBLISH', ARGV[1], value .. tags)
end
if type(done) == 'table' then
  return redis.error_reply('RMAPPARTIAL ' .. done.err)
end
reply[2] = last
return reply
