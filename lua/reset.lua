-- reset: clears the map.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms
-- Reply [1, revision, false, false]
-- Event reset
-- Gives word
local word = 'reset'
