-- group: performs several independent writes of single keys, one after the other.
-- Each write has the outcome that its own script would give it. The group only saves commands: it reads and writes once.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms,
--       4 the operations' letters, one for each write, then every key, then every operation's arguments
-- Reply [revision before (-1: no hash), first new revision | 0, for each write: previous value | false,
--        the outcomes, one letter for each write: a applied, n not applied, e failed,
--        for each write that failed: its error, for each other write that answers a value: the value]
-- Event set or del for each applied write
-- The loop ends in `group_decided`. The operations, chosen by letter, stand between them.
-- now: the value of each changed key, false for a deleted one. gone: the changed keys that a write deleted, even if a later
-- write set them. values: the new value of each applied write. answers: the values and errors of the reply.
-- Needs count, letters, reply
-- Gives adds, answers, at, failed, gone, i, key, letter, now, outcome, outcomes, previous, shown, total, value, values
local now, gone, values, outcomes, answers, sub = {}, {}, {}, {}, {}, string.sub
local total, adds, at = 0, false, 5 + count
for i = 1, count do
  local key, letter, outcome = ARGV[i + 4], sub(letters, i, i), 'a'
  local previous, value, shown, failed = now[key], nil, nil, nil
  if previous == nil then
    previous = reply[i + 2]
  else
    reply[i + 2] = previous
  end
