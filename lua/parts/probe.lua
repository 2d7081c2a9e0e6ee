-- Part: reads the metadata of the hash and its server.
-- count: HLEN. left: PTTL. cleared: 1 when the last change was a reset or destroy, else 0. replication: the text of INFO
-- replication, '' when the user may not run INFO. clock: the server's in milliseconds, 0 when the user may not run TIME.
-- Needs kind
-- Gives cleared, clock, count, left, replication
local count = redis.pcall('HLEN', KEYS[1])
if type(count) == 'table' then
  return redis.error_reply('RMAPREFUSED ' .. count.err)
end
local left = redis.pcall('PTTL', KEYS[1])
if type(left) == 'table' then
  return redis.error_reply('RMAPREFUSED ' .. left.err)
end
local cleared = (kind == 'reset' or kind == 'destroy') and 1 or 0
local replication = redis.pcall('INFO', 'replication')
if type(replication) ~= 'string' then
  replication = ''
end
local now = redis.pcall('TIME')
local clock = now.err and 0 or now[1] * 1000 + math.floor(now[2] / 1000)
