-- Part: refuses where the hash has to be gone for a moment and could not come back: while the slot of a cluster is on its way to
-- another node, no key can be made at the old one. Any missing key of the slot shows that, if the user may ask for it.
local near = string.find(KEYS[1], '^[^{]*{[^}]+}') and KEYS[1] .. ':near'
  or not string.find(KEYS[1], '}', 1, true) and '{' .. KEYS[1] .. '}'
if near and redis.acl_check_cmd('HLEN', near) then
  local found = redis.pcall('HLEN', near)
  if type(found) == 'table' and string.find(found.err, 'non local', 1, true) then
    return redis.error_reply('RMAPREFUSED TRYAGAIN the slot is being moved to another node')
  end
end
