-- test_and_set: gives a key a value if it holds exactly the test value.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 key, 5 value, 6 test value
-- Reply [0, revision, previous value | false, false] | REVISION=PREVIOUS, if applied
-- Event set, if applied
if previous ~= ARGV[6] then
  return {0, revision, previous, false}
end
local value = ARGV[5]
