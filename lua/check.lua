-- check: lists what the server or the user's rights lack for a handle of this map.
-- The script runs with the key, which proves the right to the key itself.
-- KEYS  1 hash
-- ARGV  1 channel, 2 a private channel, 3 the ACL pattern of all private channels, 4 side, 5 leases (both empty for a map
--       that cannot have them), 6 1 when the handle asks for leases
-- Reply [1 when the server is too old, 1 when the key holds another type than a hash, the beginning of =rev | false, version,
--   1 leases are on, 0 off, -1 unknown, missing right, ...]
-- Event one empty message on the private channel, only when the rights to channels are unclear
local too_old = (redis.REDIS_VERSION_NUM or 0) < 0x00070000
if too_old then
  local info = redis.pcall('INFO', 'server')
  return {1, 0, false, type(info) == 'string' and string.match(info, 'redis_version:(%C+)') or 'unknown', -1}
end

local stored = redis.pcall('HGET', KEYS[1], '=rev')
local wrong = type(stored) == 'table' and string.find(stored.err, '^WRONGTYPE') and 1 or 0
-- The longest revision has 14 bytes, so 15 bytes are enough to recognise a corrupt field.
local reply = {0, wrong, type(stored) == 'string' and string.sub(stored, 1, 15), redis.REDIS_VERSION, 0}
if ARGV[4] ~= '' then
  -- A refused call would leave an entry in the server's ACL log.
  local known, allowed = pcall(redis.acl_check_cmd, 'HGET', ARGV[4], '=leases')
  local on = {}
  if known and allowed then
    on = redis.pcall('HGET', ARGV[4], '=leases')
  end
  reply[5] = type(on) == 'table' and -1 or on and 1 or 0
end

local commands = {
  -- The server knows this script, but may not know the others yet.
  {'EVAL', '', '1', KEYS[1]},
  {'HDEL', KEYS[1], 'f'}, {'HGET', KEYS[1], 'f'}, {'HGETALL', KEYS[1]}, {'HKEYS', KEYS[1]}, {'HLEN', KEYS[1]},
  {'HMGET', KEYS[1], 'f'}, {'HSCAN', KEYS[1], '0'}, {'HSET', KEYS[1], 'f', 'v'}, {'HSTRLEN', KEYS[1], 'f'},
  {'PEXPIRE', KEYS[1], '1'}, {'PTTL', KEYS[1]}, {'TIME'}, {'UNLINK', KEYS[1]},
  {'UNSUBSCRIBE', ARGV[1]},
}
if ARGV[6] == '1' then
  -- With the hash's key, which proves the right to the command alone.
  for _, command in ipairs({
    {'ZADD', KEYS[1], '1', 'm'}, {'ZMSCORE', KEYS[1], 'm'}, {'ZRANGE', KEYS[1], '0', '0'}, {'ZREM', KEYS[1], 'm'},
  }) do
    commands[#commands + 1] = command
  end
end
for _, command in ipairs(commands) do
  -- acl_check_cmd raises an error for a command that the server does not know, or that is renamed.
  local known, allowed = pcall(redis.acl_check_cmd, unpack(command))
  if not (known and allowed) then
    reply[#reply + 1] = '+' .. string.lower(command[1])
  end
end

-- A refusal does not say whether the right to the command or to the channel is missing. An allowed call with the same
-- command or channel does.
local publish = {redis.acl_check_cmd('PUBLISH', ARGV[1], ''), redis.acl_check_cmd('PUBLISH', ARGV[2], '')}
local subscribe = {redis.acl_check_cmd('SUBSCRIBE', ARGV[1]), redis.acl_check_cmd('SUBSCRIBE', ARGV[2])}
local may_publish, may_subscribe = publish[1] or publish[2], subscribe[1] or subscribe[2]
if not (may_publish or may_subscribe) then
  local sent = redis.pcall('PUBLISH', ARGV[2], '')
  may_publish = type(sent) == 'table' and string.find(sent.err, 'channel', 1, true)
  may_subscribe = may_publish
end
if not may_publish then
  reply[#reply + 1] = '+publish'
end
if not may_subscribe then
  reply[#reply + 1] = '+subscribe'
end
if not (publish[1] or subscribe[1]) then
  reply[#reply + 1] = '&' .. ARGV[1]
end
if not (publish[2] or subscribe[2]) then
  reply[#reply + 1] = '&' .. ARGV[3]
end
if ARGV[6] == '1' and redis.acl_check_cmd('PTTL', KEYS[1]) then
  for i = 4, 5 do
    -- The right to read and to write the key, by commands that the user may run with the hash's key.
    local reads, writes = redis.acl_check_cmd('PTTL', ARGV[i]), redis.acl_check_cmd('PEXPIRE', ARGV[i], '1')
    if not reads or not writes and redis.acl_check_cmd('PEXPIRE', KEYS[1], '1') then
      reply[#reply + 1] = '~' .. ARGV[i]
    end
  end
end
return reply
