-- test_and_set: sets a key to a value if the key holds exactly the test value.
-- Takes the value, the test value. Event set, if applied.
-- Needs previous, at
-- Sets value
if previous == ARGV[at + 1] then
  value = ARGV[at]
end
