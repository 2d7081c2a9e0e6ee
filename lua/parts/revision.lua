-- Part: reads the current revision: 0 for a hash without =rev, -1 for no hash.
-- A revision below 10^14 has at most 14 digits.
-- Needs kind, previous, stored
-- Gives revision
local revision = 0
if stored then
  if #stored > 14 or not string.find(stored, '^[1-9]%d*$') and stored ~= '0' then
    return redis.error_reply('RMAPREVISION the =rev field is not a canonical revision below 10^14')
  end
  revision = tonumber(stored)
elseif not (kind or previous) then
  local count = redis.pcall('HLEN', KEYS[1])
  if type(count) == 'table' then
    return redis.error_reply('RMAPREFUSED ' .. count.err)
  end
  if count == 0 then
    revision = -1
  end
end
