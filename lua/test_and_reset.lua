-- test_and_reset: clears the map if every key holds exactly its test value.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, then pairs of key and test value, at least one
-- Reply [applied, revision, false, false]
-- Event reset, if applied
-- Needs revision
-- Gives word
for i = 4, #ARGV, 2 do
  local held = redis.pcall('HGET', KEYS[1], ARGV[i])
  if held and held.err then
    return redis.error_reply('RMAPREFUSED ' .. held.err)
  end
  if held ~= ARGV[i + 1] then
    return {0, revision, false, false}
  end
end
local word = 'reset'
