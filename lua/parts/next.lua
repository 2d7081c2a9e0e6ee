-- Part: computes the revision of an applied write.
-- new: the revision as a number. text: the same in decimal, never with an exponent.
-- Needs revision, stored
-- Gives format, new, text
local format, new = string.format, revision + 1
if not stored then
  local time = redis.pcall('TIME')
  if time.err then
    return redis.error_reply('RMAPREFUSED ' .. time.err)
  end
  -- Revisions have no sign, so a clock before 1970 counts as the first millisecond after it.
  new = math.max(time[1] * 1000 + math.floor(time[2] / 1000), 1)
end
if new >= 1e14 then
  return redis.error_reply('RMAPEXHAUSTED the next revision would reach 10^14')
end
-- Two halves that fit 32 bits print twice as fast with '%d' as the whole with '%.0f'.
local text = new < 1e7 and format('%d', new) or format('%d%07d', new / 1e7, new % 1e7)
