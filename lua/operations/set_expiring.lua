-- set_expiring: sets a key to a value with a lease, always or under a condition on what the key holds.
-- Takes the value, the lease in ms, the condition (any, absent, equals), the test value of equals. Event set, if applied.
-- The answer shows the fence.
-- Needs lease, previous, at
-- Sets value, shown
shown = false
if ARGV[at + 2] == 'any' or ARGV[at + 2] == 'absent' and not previous or ARGV[at + 2] == 'equals' and previous == ARGV[at + 3] then
  value, shown = ARGV[at], lease(ARGV[at + 1])
end
