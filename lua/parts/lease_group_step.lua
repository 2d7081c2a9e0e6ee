-- Part: ends the choice that `group` began, and decides what a write does to the lease of its key. No write of a group
-- makes a value that is too long for a lease. The block that begins here ends in `group_decided`.
-- Needs change_lease, key, previous, shown, total, value
end
if value ~= nil then
  change_lease(key, previous, value, shown, total + 1)
end
do
