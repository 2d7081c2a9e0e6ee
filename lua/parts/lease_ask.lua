-- Part: asks whether the user may run the commands that change the sidecars.
-- A proof by a call would be the script's first write, and the server checks the memory only before that one.
-- Needs commands
for _, command in ipairs(commands) do
  -- acl_check_cmd raises an error for a command that the server does not know, or that is renamed.
  local known, allowed = pcall(redis.acl_check_cmd, unpack(command))
  if not (known and allowed) then
    return redis.error_reply('RMAPREFUSED NOPERM the user may not run ' .. string.lower(command[1]) .. ' for the leases of this map')
  end
end
