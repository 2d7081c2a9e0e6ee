-- Part: when the hash expires, if this write may change that and have to put it back.
-- A hash without =rev counts too: deleting its only field removes it, and its time to live with it.
-- Needs stored. Gives ttl (its kind), deadline: ms since the Unix epoch, negative for none, false where it does not matter.
local ttl, deadline = ARGV[2], false
if ttl == 'sliding' or not stored then
  deadline = redis.pcall('PEXPIRETIME', KEYS[1])
  if type(deadline) == 'table' then
    return redis.error_reply('RMAPREFUSED ' .. deadline.err)
  end
end
local touched = false
