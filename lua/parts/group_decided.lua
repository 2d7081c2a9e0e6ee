-- Part: ends the choice and the loop that `group` began, and replies if nothing changes.
-- Needs answers, count, failed, gone, i, key, now, outcomes, reply, revision, shown, value, values
-- Sets adds, outcome, total
end
  if value then
    adds = true
  elseif value == false then
    gone[key] = true
  else
    outcome = failed and 'e' or 'n'
  end
  if failed or shown then
    answers[#answers + 1] = failed or shown
  end
  if value ~= nil then
    now[key], values[i], total = value, value, total + 1
  end
  outcomes[i] = outcome
end

reply[1], reply[2], reply[count + 3] = revision, 0, table.concat(outcomes)
for i = 1, #answers do
  reply[count + 3 + i] = answers[i]
end
if total == 0 then
  return reply
end
