-- Part: names no key, because clearing a map ends all leases. So does the first write of a life.
-- Gives names, planned, wipes
local names, planned, wipes = {}, {}, true
