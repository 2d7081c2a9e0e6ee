-- Part: begins a function that does what the script does without leases. It ends in `lease_end`.
-- Gives write
local function write()
