-- renew: moves the deadlines of the leases that still have the given fence and guard what their keys hold.
-- A renewal changes no revision and publishes nothing.
-- KEYS  1 hash, 2 side, 3 leases
-- ARGV  1 lease in ms, then pairs of key and fence, at most 100
-- Reply [for each key that is held no more: the key]
-- The ZREM of nothing comes first, because a full memory refuses ZADD, but not after another writing command.
-- Needs clock, holds
-- Gives commands, lost
local names = {}
for i = 2, #ARGV, 2 do
  names[#names + 1] = ARGV[i]
end
local values, records = redis.pcall('HMGET', KEYS[1], unpack(names)), redis.pcall('HMGET', KEYS[2], unpack(names))
local scores = redis.pcall('ZMSCORE', KEYS[3], unpack(names))
local fault = values.err or records.err or scores.err
if fault then
  return redis.error_reply('RMAPREFUSED ' .. fault)
end
local deadline, life = string.format('%.0f', clock + ARGV[1]), string.format('%.0f', ARGV[1] + 3600000)
local move, lost, commands = {'ZADD', KEYS[3], 'XX'}, {}, {}
for i, name in ipairs(names) do
  if scores[i] and holds(records[i], values[i]) == ARGV[2 * i + 1] then
    move[#move + 1], move[#move + 2] = deadline, name
  else
    lost[#lost + 1] = name
  end
end
if #move > 3 then
  commands = {
    {'ZREM', KEYS[3], '=none'},
    {'PEXPIRE', KEYS[2], life, 'NX'}, {'PEXPIRE', KEYS[2], life, 'GT'},
    {'PEXPIRE', KEYS[3], life, 'NX'}, {'PEXPIRE', KEYS[3], life, 'GT'},
    move,
  }
end
