-- Part: ends the loop that `batch` began, and collects the keys that the steps changed.
-- Needs puts, base, count, now, before, touched_keys, key, steps, value, shown, failed, reply
-- Gives changed, total
if failed then
  return redis.error_reply('RMAPSTEP ' .. steps .. ' ' .. failed)
end
if value ~= nil then
  now[key], touched_keys[key] = value, true
end
if shown ~= nil then
  reply[#reply + 1] = shown
end
end

-- A key that was missing before and after the steps has not changed.
local changed, bytes = {}, 0
for i = 7, base - 1 do
  bytes = bytes + #ARGV[i]
end
for i = 1, count do
  if touched_keys[i] and (now[i] or before[i]) then
    changed[#changed + 1] = i
    bytes = bytes + #ARGV[base + i] + (now[i] and #now[i] or 0)
  end
end
if bytes > 16777216 then
  return redis.error_reply('RMAPBATCH the batch would change more than 16 MiB')
end
local total = puts + #changed
reply[5] = total
if total == 0 then
  return reply
end
