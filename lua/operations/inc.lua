-- inc: adds to a signed 64-bit integer, a missing key being 0.
-- Takes what is added. Event set. The answer tells the sum.
-- Needs sum, previous, at
-- Sets value, shown, failed
local result = sum(previous or '0', ARGV[at])
if type(result) == 'table' then
  failed = result.err
else
  value, shown = result, result
end
