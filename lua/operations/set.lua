-- set: sets a key to a value.
-- Takes the value. Event set.
-- Needs at
-- Sets value
value = ARGV[at]
