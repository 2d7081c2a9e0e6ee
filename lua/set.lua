-- set: gives a key a value.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 key, 5 value
-- Reply REVISION | REVISION=PREVIOUS
-- Event set
local value = ARGV[5]
