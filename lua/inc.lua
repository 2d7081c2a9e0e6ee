-- inc: adds to a signed 64-bit integer, a missing key being 0.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 key, 5 what is added
-- Reply [1, revision, previous value | false, sum]
-- Event set
local value = sum(previous or '0', ARGV[5])
if type(value) == 'table' then
  return value
end
shown = value
