-- Part: counts the cost of a step on a list, and ends the choice that `batch` began.
-- Needs list, made, shown, failed, too_much
-- Sets items_left, bytes_left
  items_left, bytes_left = items_left - #(made or list), bytes_left - #(shown or '')
  if not failed and (items_left < 0 or bytes_left < 0) then
    return redis.error_reply(too_much)
  end
end
