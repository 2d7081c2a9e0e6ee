-- batch: applies several changes or none, if every precondition holds.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms,
--       4 most items and 5 most bytes of a list,
--       6 number of plain sets, then their keys and values,
--       number of further keys, then the keys, which steps and preconditions name by KEY, a number from 1 on,
--       number of preconditions, then: equals KEY VALUE | absent KEY '' | revision 0 REVISION (-1: no hash),
--       then steps: the operation's letter, KEY, and the operation's arguments, for a list operation COUNT ITEM...
-- Reply [applied, revision, false, false, keys changed, number of the failed precondition | 0,
--       for each step that answers a value: the value | false]
-- Event set or del for each changed key, in the order of the keys; tag B counts the notifications that follow
-- The loop over the steps ends in `batch_decided`. The operations, chosen by letter, stand between them.
-- Needs base, count, now, revision
-- Gives at, before, bytes_left, failed, items_left, key, letter, most_bytes, most_items, previous, reply, shown, steps, too_much, touched_keys, value
local at = base + count + 2
for i = 1, tonumber(ARGV[at - 1]) do
  local rule, key, want = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2]
  local holds
  if rule == 'equals' then
    holds = now[key] == want
  elseif rule == 'absent' then
    holds = not now[key]
  else
    holds = string.format('%.0f', revision) == want
  end
  if not holds then
    return {0, revision, false, false, 0, i}
  end
  at = at + 3
end

local before, touched_keys, reply = {}, {}, {1, revision, false, false, 0, 0}
-- Each list step reads, writes and answers a whole list. Together they may handle as much as eight lists of the largest size.
local most_items, most_bytes = tonumber(ARGV[4]), tonumber(ARGV[5])
local steps, items_left, bytes_left = 0, 8 * most_items, math.min(8 * most_bytes, 33554432)
local too_much = 'RMAPBATCH the list steps would read and write more than eight lists may have'
for i = 1, count do
  before[i] = now[i]
end
while at <= #ARGV do
  local letter, key = ARGV[at], tonumber(ARGV[at + 1])
  local previous, value, shown, failed = now[key], nil, nil, nil
  steps, at = steps + 1, at + 2
