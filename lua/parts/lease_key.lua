-- Part: names the key whose lease a write of one key may change.
-- Needs key
-- Gives names
local names = {key}
