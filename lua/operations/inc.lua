-- inc: adds to a signed 64-bit integer. A missing key counts as 0.
-- Takes the number to add. Event set. The answer shows the sum.
-- Needs sum, previous, at
-- Sets value, shown, failed
local result = sum(previous or '0', ARGV[at])
if type(result) == 'table' then
  failed = result.err
else
  value, shown = result, result
end
