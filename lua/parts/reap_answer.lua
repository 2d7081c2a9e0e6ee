-- Part: tells the time left to the next deadline. Replicas that hear of no deletion hear the time left.
-- A user who may not publish on the shared channel may still reap.
-- Needs answer, clock, gone, names
local first = redis.pcall('ZRANGE', KEYS[3], '0', '0', 'WITHSCORES')
if first.err then
  return redis.error_reply('RMAPPARTIAL ' .. first.err)
end
local left = -1
if first[1] and first[1] ~= '=on' then
  left = math.min(math.max(first[2] - clock, 0), 1e15)
end
if #gone == 0 then
  redis.pcall('PUBLISH', ARGV[4], 'lease:' .. (left < 0 and 'none' or string.format('%.0f', left)))
end
return {answer[1], answer[2], #names - #gone, left}
