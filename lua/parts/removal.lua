-- Part: decides which leases end, and which of their keys are deleted with them.
-- fences: the fences that must fit, false where each lease of names has run out. gone: the keys to delete. before: their
-- values. kept: the keys whose lease another one has.
-- Needs fences, holds, names, records, revision, scores
-- Gives before, gone, kept, planned, reply
local planned, gone, before, kept, reply = {}, {}, {}, {}, {revision, 0}
local values = #names > 0 and redis.pcall('HMGET', KEYS[1], unpack(names)) or {}
if values.err then
  return redis.error_reply('RMAPREFUSED ' .. values.err)
end
for i, name in ipairs(names) do
  local fence = scores[name] and holds(records[name], values[i])
  if fences and (not fence or fence ~= fences[name]) then
    kept[#kept + 1] = name
  elseif planned[name] == nil then
    planned[name] = false
    if fence then
      gone[#gone + 1], before[#before + 1] = name, values[i]
    end
  end
end
