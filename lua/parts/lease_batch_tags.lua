-- Part: ends the leases of the plain sets, and finds the place of each notification that carries the time left.
-- Needs base, changed, planned, puts
-- Sets tags
tags = {}
for i = 7, base - 1, 2 do
  planned[ARGV[i]] = false
end
for place, i in ipairs(changed) do
  local lease = planned[ARGV[base + i]]
  tags[puts + place] = lease and lease.ms
end
