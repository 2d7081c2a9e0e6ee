-- test_and_delete: deletes a key if it holds exactly the test value.
-- Takes the test value. Event del, if applied.
-- Needs previous, at
-- Sets value
if previous == ARGV[at] then
  value = false
end
