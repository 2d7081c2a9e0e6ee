-- Part: decides what a step does to the lease of its key. The batch has one first revision for all its leases.
-- Needs base, change_lease, key, previous, shown, value
-- Sets failed
if value ~= nil and not failed then
  failed = change_lease(ARGV[base + key], previous, value, shown, 1)
end
