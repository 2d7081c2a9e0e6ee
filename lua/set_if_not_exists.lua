-- set_if_not_exists: gives a key a value if it has none.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 key, 5 value
-- Reply [0, revision, previous value | false, false] | REVISION, if applied
-- Event set, if applied
if previous then
  return {0, revision, previous, false}
end
local value = ARGV[5]
