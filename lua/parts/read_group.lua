-- Part: reads what the decisions of several writes need.
-- stored is =rev. kind is =kind. reply has what each key holds from its element 3 on. previous is false where all
-- are missing; it is only looked at where there is no =rev.
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
