-- Part: decides what a write of one key does to its lease.
-- Needs change_lease, key, previous, shown, value
local too_long = change_lease(key, previous, value, shown, 1)
if too_long then
  return redis.error_reply(too_long)
end
