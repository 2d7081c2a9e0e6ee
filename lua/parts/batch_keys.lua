-- Part: builds the commands that write a batch.
-- changed: the numbers of the changed further keys. total: the number of changed keys with the plain sets, at least one.
-- last: the last revision.
-- Needs base, changed, format, new, now, total
-- Gives adds, drop, last, put
local last = new + total - 1
if last >= 1e14 then
  return redis.error_reply('RMAPEXHAUSTED the last revision would reach 10^14')
end
local put, drop = {'HSET', KEYS[1], '=rev', format('%.0f', last), '=kind', 'set'}, {'HDEL', KEYS[1]}
for i = 7, base - 1 do
  put[i] = ARGV[i]
end
for _, i in ipairs(changed) do
  if now[i] then
    put[#put + 1] = ARGV[base + i]
    put[#put + 1] = now[i]
  else
    drop[#drop + 1] = ARGV[base + i]
  end
end
if changed[1] and not now[changed[#changed]] then
  put[6] = 'del'
end
local adds = #put > 6
