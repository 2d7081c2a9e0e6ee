-- destroy: clears the map and publishes that it is cleared for good.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms
-- Reply [1, revision, false, false]
-- Event destroy
-- Gives word
local word = 'destroy'
