-- Part: begins the steps on lists, which end in `batch_list_end`.
-- Needs items, previous, steps, too_much
-- Sets at, items_left, bytes_left
-- Gives list, first, last, made
else
  bytes_left = bytes_left - #(previous or '')
  if bytes_left < 0 then
    return redis.error_reply(too_much)
  end
  local list = items(previous)
  if list.err then
    return redis.error_reply('RMAPSTEP ' .. steps .. ' ' .. list.err)
  end
  items_left = items_left - #list
  local first, last, made = at + 1, at + tonumber(ARGV[at]), nil
  at = last + 1
