-- batch: several changes, all or nothing, if every precondition holds.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms,
--       4 most items and 5 most bytes of a list,
--       6 how many keys are simply set, whatever they hold, then those and their values,
--       how many keys more, then those, which are told by their number below, from 1 on,
--       how many preconditions, then those: equals KEY VALUE | absent KEY '' | revision 0 REVISION (-1: no hash),
--       then steps: set, set_if_not_exists KEY VALUE | test_and_set KEY VALUE TEST | delete KEY | test_and_delete KEY TEST |
--       inc KEY DELTA | append_values, append_unique_values, remove_values KEY COUNT ITEM...
-- Reply [applied, revision, false, false, keys changed, precondition that did not hold | 0, for each inc and list step: value | false]
-- Event set or del for each changed key, in the order in which the keys are told; those to come are counted in tag B
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
  steps = steps + 1
  local step, key = ARGV[at], tonumber(ARGV[at + 1])
  if step == 'set' then
    now[key], touched_keys[key] = ARGV[at + 2], true
    at = at + 3
  elseif step == 'delete' then
    touched_keys[key] = touched_keys[key] or now[key] ~= false
    now[key] = false
    at = at + 2
  elseif step == 'set_if_not_exists' then
    if not now[key] then
      now[key], touched_keys[key] = ARGV[at + 2], true
    end
    at = at + 3
  elseif step == 'test_and_set' then
    if now[key] == ARGV[at + 3] then
      now[key], touched_keys[key] = ARGV[at + 2], true
    end
    at = at + 4
  elseif step == 'test_and_delete' then
    if now[key] == ARGV[at + 2] then
      now[key], touched_keys[key] = false, true
    end
    at = at + 3
  elseif step == 'inc' then
    local result = sum(now[key] or '0', ARGV[at + 2])
    if type(result) == 'table' then
      return redis.error_reply('RMAPSTEP ' .. steps .. ' ' .. result.err)
    end
    now[key], touched_keys[key], reply[#reply + 1] = result, true, result
    at = at + 3
  else
    bytes_left = bytes_left - #(now[key] or '')
    if bytes_left < 0 then
      return redis.error_reply(too_much)
    end
    local list = items(now[key])
    if list.err then
      return redis.error_reply('RMAPSTEP ' .. steps .. ' ' .. list.err)
    end
    items_left = items_left - #list
    local first = at + 3
    at = first + tonumber(ARGV[at + 2])
    local marked, kept = {}, {}
    if step == 'append_values' then
      for i = first, at - 1 do
        list[#list + 1] = ARGV[i]
      end
      kept = at > first and list
    elseif step == 'append_unique_values' then
      local held = #list
      for i = 1, held do
        marked[list[i]] = true
      end
      for i = first, at - 1 do
        if not marked[ARGV[i]] then
          marked[ARGV[i]] = true
          list[#list + 1] = ARGV[i]
        end
      end
      kept = #list > held and list
    else
      for i = first, at - 1 do
        marked[ARGV[i]] = true
      end
      for i = 1, #list do
        if not marked[list[i]] then
          kept[#kept + 1] = list[i]
        end
      end
      kept = #kept < #list and kept
    end
    if kept then
      local fits = #kept <= most_items
      now[key], touched_keys[key] = fits and #kept > 0 and cjson.encode(kept), true
      if not fits or now[key] and #now[key] > most_bytes then
        return redis.error_reply('RMAPSTEP ' .. steps .. ' RMAPTOOLONG the list would have more items or bytes than a list may have')
      end
    end
    reply[#reply + 1] = now[key]
    items_left, bytes_left = items_left - #(kept or list), bytes_left - #(now[key] or '')
    if items_left < 0 or bytes_left < 0 then
      return redis.error_reply(too_much)
    end
  end
end

-- What all amounts to, in the order of the keys.
local changed, bytes = {}, 0
for i = 7, base - 1 do
  bytes = bytes + #ARGV[i]
end
for i = 1, count do
  if touched_keys[i] and (now[i] or before[i]) then
    changed[#changed + 1] = i
    bytes = bytes + #ARGV[base + i] + (now[i] and #now[i] or 0)
  end
end
if bytes > 16777216 then
  return redis.error_reply('RMAPBATCH the batch would change more than 16 MiB')
end
local total = puts + #changed
reply[5] = total
if total == 0 then
  return reply
end
