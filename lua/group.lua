-- group: several writes of single keys, independent of each other, one after the other.
-- Each has its own outcome, and all is as if the script of each had run alone; only what Redis is asked for is asked once.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms,
--       4 one letter for each write, which says what it is, then for each its key, then for each what its operation takes
-- Reply [revision before (-1: no hash), first new revision | 0, for each: previous value | false,
--        one letter for each: a applied, n not applied, e failed, for each that failed its error, for each other that tells
--        a value this]
-- Event set or del for each applied write
-- The loop ends in `group_decided`; between them stands the choice by letter of what the operation means.
-- now: what the keys that changed hold, false for nothing. gone: those of them that a write deleted, perhaps for a moment.
-- values: what each applied write made of its key. told: what the reply tells of values and errors.
-- Needs count, letters, reply
-- Gives adds, at, failed, gone, i, key, letter, now, outcome, outcomes, previous, shown, told, total, value, values
local now, gone, values, outcomes, told, sub = {}, {}, {}, {}, {}, string.sub
local total, adds, at = 0, false, 5 + count
for i = 1, count do
  local key, letter, outcome = ARGV[i + 4], sub(letters, i, i), 'a'
  local previous, value, shown, failed = now[key], nil, nil, nil
  if previous == nil then
    previous = reply[i + 2]
  else
    reply[i + 2] = previous
  end
