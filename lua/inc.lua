-- inc: adds to a signed 64-bit integer, a missing key being 0.
-- HINCRBY does the sum, as Lua's numbers lose precision above 2^53, and says what counts as an integer.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 key, 5 what is added
-- Reply [1, revision, previous value | false, sum]
-- Event set
local sum = redis.pcall('HINCRBY', KEYS[1], ARGV[4], ARGV[5])
if type(sum) == 'table' then
  if string.find(sum.err, 'not an integer', 1, true) then
    return redis.error_reply('RMAPINTEGER the value is not an integer')
  elseif string.find(sum.err, 'overflow', 1, true) then
    return redis.error_reply('RMAPOVERFLOW the sum does not fit 64 bits')
  end
  return redis.error_reply('RMAPREFUSED ' .. sum.err)
end
touched = true
local value = redis.pcall('HGET', KEYS[1], ARGV[4])
if type(value) == 'table' then
  return redis.error_reply('RMAPPARTIAL ' .. value.err)
end
shown = value
