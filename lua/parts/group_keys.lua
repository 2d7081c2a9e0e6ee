-- Part: what a group writes.
-- Needs count, reply, total, failed (a HINCRBY that fails), now, values, format, new, adds, stored.
-- Gives put, drop, vanishes. A group in which no write was applied ends here.
-- It is refused if its writes could come too close to the last revision, whether or not they all do.
if new + count - 1 >= 1e14 then
  return redis.error_reply('RMAPEXHAUSTED the last revision could reach 10^14')
end
if total == 0 then
  -- No key changed, so this one fails here as it would alone: by its value, or because nothing may be written now.
  local refused = redis.pcall(unpack(failed)).err
  if string.find(refused, 'not an integer', 1, true) or string.find(refused, 'overflow', 1, true) then
    return reply
  end
  return redis.error_reply('RMAPREFUSED ' .. refused)
end
local put = {'HSET', KEYS[1], '=rev', format('%.0f', new + total - 1), '=kind', 'set'}
local drop, slot = {'HDEL', KEYS[1]}, 7
for key, value in pairs(now) do
  if value then
    put[slot], put[slot + 1] = key, value
    slot = slot + 2
  else
    drop[#drop + 1] = key
  end
end
for i = count, 1, -1 do
  if values[i] ~= nil then
    put[6] = values[i] and 'set' or 'del'
    break
  end
end
local vanishes = not adds and not stored
