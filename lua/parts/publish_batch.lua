-- Part: publishes the changes of a batch, before it writes them.
-- The server can only refuse the first notification, because all have the same channel.
-- Needs base, before, call, changed, hash, last, now, refused, reply, revision, total
reply[2] = last
local pack, channel, rest = struct.pack, ARGV[1], total
local tag = revision == -1 and 'RMN\0\0\0\0B\4\0\0\0' or 'RMB\4\0\0\0'
local function publish(key, value)
  local text, payload = string.format('%.0f', last - rest + 1), nil
  if value then
    payload = pack('<c4I4c0I4c0I4c0', 'set:', #key, key, #value, value, #text, text)
  else
    payload = pack('<c4I4c0I4c0', 'del:', #key, key, #text, text)
  end
  rest = rest - 1
  if rest > 0 then
    payload = payload .. pack('<c0I4', tag, rest)
  elseif revision == -1 and total == 1 then
    payload = payload .. 'RMN\0\0\0\0'
  end
  tag = 'RMB\4\0\0\0'
  return call('PUBLISH', channel, payload)
end
local done
for i = 7, base - 1, 2 do
  done = type(done) ~= 'table' and publish(ARGV[i], ARGV[i + 1]) or done
end
for _, i in ipairs(changed) do
  done = type(done) ~= 'table' and publish(ARGV[base + i], now[i]) or done
end
if type(done) == 'table' then
  local back = {'HSET', hash}
  for _, i in ipairs(changed) do
    if not now[i] then
      back[#back + 1], back[#back + 2] = ARGV[base + i], before[i]
    end
  end
  return refused(done.err, back)
end
