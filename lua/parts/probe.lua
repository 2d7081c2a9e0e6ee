-- Part: what the hash and its server are at.
-- count is HLEN. left is PTTL. cleared is 1 when the last change was a reset or destroy, else 0. replication_id is ''
-- where the user may not ask.
-- Needs kind
-- Gives cleared, count, left, replication_id
local count = redis.pcall('HLEN', KEYS[1])
if type(count) == 'table' then
  return redis.error_reply('RMAPREFUSED ' .. count.err)
end
local left = redis.pcall('PTTL', KEYS[1])
if type(left) == 'table' then
  return redis.error_reply('RMAPREFUSED ' .. left.err)
end
local cleared = (kind == 'reset' or kind == 'destroy') and 1 or 0
local info = redis.pcall('INFO', 'replication')
local replication_id = type(info) == 'string' and string.match(info, 'master_replid:(%x+)') or ''
