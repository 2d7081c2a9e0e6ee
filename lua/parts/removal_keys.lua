-- Part: builds the commands that delete the keys. A lease holds only if there is =rev, so the hash cannot vanish.
-- Needs format, gone, new, reply
-- Gives adds, drop, last, put
if #gone == 0 then
  return reply
end
local adds, last = false, new + #gone - 1
if last >= 1e14 then
  return redis.error_reply('RMAPEXHAUSTED the last revision would reach 10^14')
end
local put, drop = {'HSET', KEYS[1], '=rev', format('%.0f', last), '=kind', 'del'}, {'HDEL', KEYS[1], unpack(gone)}
