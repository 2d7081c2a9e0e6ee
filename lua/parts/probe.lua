-- Part: reads the metadata of the hash and its server.
-- count: HLEN. left: PTTL. cleared: 1 when the last change was a reset or destroy, else 0. replication_id: '' when the
-- user may not run INFO.
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
