-- Part: builds the commands that write a group.
-- Needs count, format, gone, new, now, total, values
-- Gives drop, put
local last = new + total - 1
if last >= 1e14 then
  return redis.error_reply('RMAPEXHAUSTED the last revision would reach 10^14')
end
local put, drop, slot = {'HSET', KEYS[1], '=rev', format('%.0f', last), '=kind', 'set'}, {'HDEL', KEYS[1]}, 7
for key, value in pairs(now) do
  if value then
    put[slot], put[slot + 1] = key, value
    slot = slot + 2
  end
end
for key in pairs(gone) do
  drop[#drop + 1] = key
end
for i = count, 1, -1 do
  if values[i] ~= nil then
    put[6] = values[i] and 'set' or 'del'
    break
  end
end
