-- Part: adds tag L, the time left in ms, to the notifications of sets with a lease.
-- A notification without tags ends in a digit of its revision, and one with tags in a zero.
-- Needs call, tags
-- Gives call
local plain, published = call, 0
local function call(command, ...)
  if command ~= 'PUBLISH' then
    return plain(command, ...)
  end
  local channel, payload = ...
  published = published + 1
  if tags[published] then
    local left = string.format('%.0f', tags[published])
    payload = payload .. (string.find(payload, '%d$') and 'RM' or '') .. struct.pack('<c1I4c0', 'L', #left, left)
  end
  return plain(command, channel, payload)
end
