-- Part: reads what the decisions of several writes need.
-- Needs ARGV[4], a letter for each write, and ARGV[5...], their keys, of which some may be the same.
-- Gives letters, count, stored (=rev), kind (=kind), reply (its elements from 3 on: what each key holds), previous (false:
-- all are missing; only where there is no =rev).
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
