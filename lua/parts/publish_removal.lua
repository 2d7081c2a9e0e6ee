-- Part: publishes one notification for each deleted key.
-- The server can only refuse the first notification, because all have the same channel.
-- Needs before, call, format, gone, hash, last, new, refused, reply
for i, name in ipairs(gone) do
  local text = format('%.0f', new + i - 1)
  local done = call('PUBLISH', ARGV[1], struct.pack('<c4I4c0I4c0', 'del:', #name, name, #text, text))
  if type(done) == 'table' then
    local back = {'HSET', hash}
    for j, held in ipairs(gone) do
      back[#back + 1], back[#back + 2] = held, before[j]
    end
    return refused(done.err, back)
  end
end
reply[1], reply[2] = last, #gone
