-- Part: names the keys whose leases a batch may change.
-- Needs base, count
-- Gives names
local names = {}
for i = 7, base - 1, 2 do
  names[#names + 1] = ARGV[i]
end
for i = 1, count do
  names[#names + 1] = ARGV[base + i]
end
