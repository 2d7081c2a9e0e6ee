-- Part: publishes the changes of a group, before it writes them.
-- `next` explains how a revision is printed.
-- The server can only refuse the first notification, because all have the same channel.
-- Needs call, count, format, gone, hash, refused, reply, revision, values
-- Sets new
reply[2] = new
local pack, channel, tag = struct.pack, ARGV[1], revision == -1 and 'RMN\0\0\0\0' or ''
for i = 1, count do
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
    local done = call('PUBLISH', channel, payload .. tag)
    if type(done) == 'table' then
      local back = {'HSET', hash}
      for j = 1, count do
        local held = ARGV[j + 4]
        -- The first of several writes of a key has the value from before the group.
        if gone[held] and reply[j + 2] then
          back[#back + 1], back[#back + 2] = held, reply[j + 2]
        end
        gone[held] = nil
      end
      return refused(done.err, back)
    end
    new, tag = new + 1, ''
  end
end
