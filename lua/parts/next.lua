-- Part: the revision that an applied write makes.
-- Needs stored, revision. Gives new (a number) and text (the same in decimal, never with an exponent).
local new = revision + 1
if not stored then
  local time = redis.pcall('TIME')
  if time.err then
    return redis.error_reply('RMAPREFUSED ' .. time.err)
  end
  new = time[1] * 1000 + math.floor(time[2] / 1000)
elseif new >= 1e14 then
  return redis.error_reply('RMAPEXHAUSTED the next revision would reach 10^14')
end
local text = string.format('%.0f', new)
