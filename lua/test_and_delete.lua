-- test_and_delete: deletes a key if it holds exactly the test value.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 key, 5 test value
-- Reply [0, revision, previous value | false, false] | REVISION=PREVIOUS, if applied
-- Event del, if applied
if previous ~= ARGV[5] then
  return {0, revision, previous, false}
end
local value = false
