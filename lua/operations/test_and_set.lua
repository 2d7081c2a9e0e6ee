-- test_and_set: gives a key a value if it holds exactly the test value.
-- Takes the value, the test value. Event set, if applied.
-- Needs previous, at
-- Sets value
if previous == ARGV[at + 1] then
  value = ARGV[at]
end
