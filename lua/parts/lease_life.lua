-- Part: notes that the first write of a life ends all leases, which are those of another life.
-- Needs revision
-- Gives wipes
local wipes = revision == -1
