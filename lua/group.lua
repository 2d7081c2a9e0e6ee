-- group: several writes of single keys, independent of each other, one after the other.
-- Each has its own outcome, and all is as if the script of each had run alone; only what Redis is asked for is asked once.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms,
--       4 one letter for each write: s set, n set_if_not_exists, t test_and_set, d delete, x test_and_delete, i inc,
--       then for each its key, then for each what else it has: s VALUE, n VALUE, t VALUE TEST, d, x TEST, i DELTA
-- Reply [revision before (-1: no hash), first new revision | 0, for each: previous value | false,
--        one letter for each: a applied, n not applied, e failed, for each i: sum | error RMAPINTEGER or RMAPOVERFLOW]
-- Event set or del for each applied write
-- now: what the keys that changed hold, false for nothing. gone: those of them that a write deleted, perhaps for a moment.
-- values: what each applied write made of its key.
local now, gone, values, outcomes, sums, sub = {}, {}, {}, {}, {}, string.sub
local total, adds, at = 0, false, 5 + count
for i = 1, count do
  local key, letter, outcome = ARGV[i + 4], sub(letters, i, i), 'a'
  local held, value = now[key], nil
  if held == nil then
    held = reply[i + 2]
  else
    reply[i + 2] = held
  end
  if letter == 's' then
    value = ARGV[at]
    at = at + 1
  elseif letter == 'i' then
    local result = sum(held or '0', ARGV[at])
    if type(result) == 'table' then
      result, outcome = result.err, 'e'
    else
      value = result
    end
    sums[#sums + 1] = result
    at = at + 1
  elseif letter == 'n' then
    if not held then
      value = ARGV[at]
    end
    at = at + 1
  elseif letter == 't' then
    if held == ARGV[at + 1] then
      value = ARGV[at]
    end
    at = at + 2
  elseif letter == 'd' then
    if held then
      value = false
    end
  else
    if held == ARGV[at] then
      value = false
    end
    at = at + 1
  end
  if value then
    adds = true
  elseif value == false then
    gone[key] = true
  elseif outcome == 'a' then
    outcome = 'n'
  end
  if value ~= nil then
    now[key], values[i], total = value, value, total + 1
  end
  outcomes[i] = outcome
end

reply[1], reply[2], reply[count + 3] = revision, 0, table.concat(outcomes)
for i = 1, #sums do
  reply[count + 3 + i] = sums[i]
end
if total == 0 then
  return reply
end
