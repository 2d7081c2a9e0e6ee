-- Part: publishes what a group changed, replies.
-- Needs count, values, format, new, revision, done, reply. How a revision is printed is said in `next`.
reply[2] = new
local pack, call, channel = struct.pack, redis.pcall, ARGV[1]
local tag = revision == -1 and 'RMN\0\0\0\0' or ''
for i = 1, count do
  if type(done) == 'table' then
    break
  end
  local value = values[i]
  if value ~= nil then
    local key, text, payload = ARGV[i + 4], format('%d%07d', new / 1e7, new % 1e7), nil
    if new < 1e7 then
      text = format('%d', new)
    end
    if value then
      payload = pack('<c4I4c0I4c0I4c0', 'set:', #key, key, #value, value, #text, text)
    else
      payload = pack('<c4I4c0I4c0', 'del:', #key, key, #text, text)
    end
    done = call('PUBLISH', channel, payload .. tag)
    new, tag = new + 1, ''
  end
end
if type(done) == 'table' then
  return redis.error_reply('RMAPPARTIAL ' .. done.err)
end
return reply
