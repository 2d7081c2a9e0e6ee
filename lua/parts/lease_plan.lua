-- Part: builds the commands that change the sidecars after the write.
-- The sidecars live an hour past the last deadline. PEXPIRE NX comes first, because GT never sets a first time to live.
-- A fence that a caller gets is kept even if a later step ended its lease, so that no other holder gets it.
-- Needs known_fence, last_fence, new, on, planned, records, scores, wipes
-- Gives commands
local side, leases, commands = KEYS[2], KEYS[3], {}
local longest = (wipes and on or last_fence > known_fence) and 0
local set_record = {'HSET', side, '=leases', '1', '=fence', string.format('%.0f', last_fence)}
local set_deadline, drop_record, drop_deadline = {'ZADD', leases, 'inf', '=on'}, {'HDEL', side}, {'ZREM', leases}
for name, lease in pairs(planned) do
  if lease then
    local set = lease.revision or string.format('%.0f', new + lease.place - 1)
    local record = lease.fence .. ' ' .. set .. ' ' .. redis.sha1hex(lease.value)
    set_record[#set_record + 1], set_record[#set_record + 2] = name, record
    if lease.ms then
      set_deadline[#set_deadline + 1], set_deadline[#set_deadline + 2] = lease.deadline, name
      longest = math.max(longest or 0, lease.ms)
    end
  elseif records[name] or scores[name] then
    drop_record[#drop_record + 1], drop_deadline[#drop_deadline + 1] = name, name
  end
end
if wipes and on then
  commands[1] = {'UNLINK', side, leases}
end
if #drop_record > 2 then
  commands[#commands + 1], commands[#commands + 2] = drop_record, drop_deadline
end
if #set_record > 6 or longest then
  commands[#commands + 1], commands[#commands + 2] = set_record, set_deadline
end
for _, name in ipairs(longest and {side, leases} or {}) do
  local ms = string.format('%.0f', longest + 3600000)
  commands[#commands + 1] = {'PEXPIRE', name, ms, 'NX'}
  commands[#commands + 1] = {'PEXPIRE', name, ms, 'GT'}
end
