-- start_leases: makes the sidecars, or what is missing of them. Leases that are there stay.
-- KEYS  1 hash, 2 side, 3 leases
-- Reply 1
-- Gives commands
local commands = {
  {'ZREM', KEYS[3], '=none'},
  {'ZADD', KEYS[3], 'inf', '=on'}, {'HSET', KEYS[2], '=leases', '1'},
  {'PEXPIRE', KEYS[2], '3600000', 'NX'}, {'PEXPIRE', KEYS[2], '3600000', 'GT'},
  {'PEXPIRE', KEYS[3], '3600000', 'NX'}, {'PEXPIRE', KEYS[3], '3600000', 'GT'},
}
