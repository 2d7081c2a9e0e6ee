-- Part: changes the sidecars. The script has written before, so the server checks the memory no more.
-- Needs commands
for _, command in ipairs(commands) do
  local done = redis.pcall(unpack(command))
  if type(done) == 'table' then
    return redis.error_reply('RMAPPARTIAL ' .. done.err)
  end
end
