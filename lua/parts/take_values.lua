-- Part: declares the inputs and results of an operation on values.
-- at: index of the operation's first argument in ARGV. value: the key's new value, false to delete the key, nil for no
-- change.
-- shown: the value in the reply. failed: the error, if the key's value does not allow the operation.
-- Gives at, value, shown, failed
local at, value, shown, failed = 5, nil, nil, nil
