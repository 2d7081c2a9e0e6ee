-- batch: several changes, all or nothing, if every precondition holds.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms,
--       4 most items and 5 most bytes of a list,
--       6 how many keys are simply set, whatever they hold, then those and their values,
--       how many keys more, then those, which are told by their number below, from 1 on,
--       how many preconditions, then those: equals KEY VALUE | absent KEY '' | revision 0 REVISION (-1: no hash),
--       then steps: a letter, which says what it is, KEY, and what its operation takes, a list operation COUNT ITEM...
-- Reply [applied, revision, false, false, keys changed, precondition that did not hold | 0, for each step that tells a value this | false]
-- Event set or del for each changed key, in the order in which the keys are told; those to come are counted in tag B
-- The loop over the steps ends in `batch_decided`; between them stands the choice by letter of what the operation means.
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
-- Each list step reads and writes a whole list, and tells it. Together they may do as much as eight of the longest lists have.
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
