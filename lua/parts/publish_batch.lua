-- Part: publishes what a batch changed, replies.
-- Needs base, now, changed, total, last, revision, done, reply.
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
