-- delete: deletes a key.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 key
-- Reply [0, revision, previous value | false, false] | REVISION=PREVIOUS, if applied
-- Event del, if the key was there
if not previous then
  return {0, revision, false, false}
end
local value = false
