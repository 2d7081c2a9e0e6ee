-- Part: defines a function that returns the fence of a lease, if the lease still guards what its key holds.
-- record: FENCE REVISION SHA1 of the key in `side`. A revision above that of the map shows another life, or a failover.
-- A lease guards at most 64 KiB, which also bounds the work of hashing.
-- Needs revision
-- Gives holds
local function holds(record, value)
  local fence, set, digest = string.match(record or '', '^(%d+) (%d+) (%x+)$')
  if digest and value and #value <= 65536 and tonumber(set) <= revision and redis.sha1hex(value) == digest then
    return fence, set
  end
end
