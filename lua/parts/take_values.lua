-- Part: what an operation on values decides with, and what it says.
-- at: where its arguments begin in ARGV. value: what the key is to hold, false to delete it, nil where nothing is to change.
-- shown: what the reply tells as the key's value. failed: the error, where the value does not allow the operation.
-- Gives at, value, shown, failed
local at, value, shown, failed = 5, nil, nil, nil
