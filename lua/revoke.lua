-- revoke: deletes the keys whose leases have the given fences, and ends these leases.
-- KEYS  1 hash, 2 side, 3 leases
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, then pairs of key and fence, at most 100
-- Reply [revision (-1: no hash), keys deleted, for each key that was not held with this fence: the key]
-- Event del for each deleted key
-- Gives fences, names, wipes
local names, fences, wipes = {}, {}, false
for i = 4, #ARGV, 2 do
  names[#names + 1] = ARGV[i]
  fences[ARGV[i]] = ARGV[i + 1]
end
