-- Part: the revision that an applied write makes.
-- new is a number. text is the same in decimal, never with an exponent.
-- Needs revision, stored
-- Gives format, new, text
local format, new = string.format, revision + 1
if not stored then
  local time = redis.pcall('TIME')
  if time.err then
    return redis.error_reply('RMAPREFUSED ' .. time.err)
  end
  -- A clock before 1970 counts as its first millisecond: a revision has no sign.
  new = math.max(time[1] * 1000 + math.floor(time[2] / 1000), 1)
end
if new >= 1e14 then
  return redis.error_reply('RMAPEXHAUSTED the next revision would reach 10^14')
end
-- In two halves, of which each fits 32 bits: integers are printed twice as fast as '%.0f' prints them.
local text = new < 1e7 and format('%d', new) or format('%d%07d', new / 1e7, new % 1e7)
