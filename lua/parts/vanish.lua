-- Part: refuses while the cluster moves the hash's slot to another node.
-- The script deletes the hash for a moment, and during the move the old node does not let it create a key. Any missing key
-- of the slot shows the move, if the user may read it.
local near = string.find(KEYS[1], '^[^{]*{[^}]+}') and KEYS[1] .. ':near'
  or not string.find(KEYS[1], '}', 1, true) and '{' .. KEYS[1] .. '}'
if near and redis.acl_check_cmd('HLEN', near) then
  local found = redis.pcall('HLEN', near)
  if type(found) == 'table' and string.find(found.err, 'non local', 1, true) then
    return redis.error_reply('RMAPREFUSED TRYAGAIN the slot is being moved to another node')
  end
end
