-- Part: reads the fields that several writes depend on.
-- stored: =rev. kind: =kind. reply: the value of each key, from element 3 on. previous: false when all keys are missing,
-- computed only when there is no =rev.
-- Gives count, kind, letters, previous, reply, stored
local letters = ARGV[4]
local count = #letters
local reply = redis.pcall('HMGET', KEYS[1], '=rev', '=kind', unpack(ARGV, 5, 4 + count))
if reply.err then
  return redis.error_reply('RMAPREFUSED ' .. reply.err)
end
local stored, kind, previous = reply[1], reply[2], false
if not stored then
  for i = 1, count do
    previous = previous or reply[i + 2]
  end
end
