-- Part: ends the function that `lease_begin` began, and runs it. The leases change only if the write was applied.
-- Needs write
-- Gives answer
end
local answer = write()
if type(answer) == 'table' and answer.err then
  return answer
end
