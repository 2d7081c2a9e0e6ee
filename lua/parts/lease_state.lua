-- Part: tells whether leases are on. The sidecars are no KEYS, because a user without rights to them, or a slot that is
-- being moved, must not stop the read.
-- next_due: ms to the next deadline; -1 leases are on and there is none, -2 leases are off, -3 the server did not say.
-- Needs clock
-- Gives next_due
local next_due = -2
if ARGV[3] ~= '' then
  -- A refused call would leave an entry in the server's ACL log, and that with every probe.
  local known, allowed = pcall(redis.acl_check_cmd, 'HGET', ARGV[3], '=leases')
  local on = {}
  if known and allowed then
    on = redis.pcall('HGET', ARGV[3], '=leases')
  end
  if type(on) == 'table' then
    next_due = -3
  elseif on then
    next_due = -1
    local first = redis.pcall('ZRANGE', ARGV[4], '0', '0', 'WITHSCORES')
    if not first.err and first[1] and first[1] ~= '=on' and clock > 0 then
      next_due = math.min(math.max(first[2] - clock, 0), 1e15)
    end
  end
end
