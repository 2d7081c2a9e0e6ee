-- Part: names the keys whose leases a group may change.
-- Needs count
-- Gives names
local names = {unpack(ARGV, 5, 4 + count)}
