-- append_values: appends items to a list.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 key, 5 most items and 6 most bytes of a list, 7... items
-- Reply [applied, revision, previous value | false, value now | false]
-- Event set, unless no items were given
if not ARGV[7] then
  return {0, revision, previous, previous}
end
for i = 7, #ARGV do
  list[#list + 1] = ARGV[i]
end
