-- append_unique_values: appends the items that the list does not have yet.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 key, 5 most items and 6 most bytes of a list, 7... items
-- Reply [applied, revision, previous value | false, value now | false]
-- Event set, if an item was new
local seen, before = {}, #list
for i = 1, before do
  seen[list[i]] = true
end
for i = 7, #ARGV do
  if not seen[ARGV[i]] then
    seen[ARGV[i]] = true
    list[#list + 1] = ARGV[i]
  end
end
if #list == before then
  return {0, revision, previous, previous}
end
