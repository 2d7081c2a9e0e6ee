-- set: gives a key a value.
-- Takes the value. Event set.
-- Needs at
-- Sets value
value = ARGV[at]
