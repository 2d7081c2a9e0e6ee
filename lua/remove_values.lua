-- remove_values: removes every occurrence of the items from a list, and the key with the last one.
-- KEYS  1 hash
-- ARGV  1 channel, 2 ttl (none, absolute, sliding), 3 ttl in ms, 4 key, 5 most items and 6 most bytes of a list, 7... items
-- Reply [applied, revision, previous value | false, value now | false] | REVISION=PREVIOUS, if the key goes
-- Event set, or del when nothing is left; none when no item was there
local unwanted, kept = {}, {}
for i = 7, #ARGV do
  unwanted[ARGV[i]] = true
end
for i = 1, #list do
  if not unwanted[list[i]] then
    kept[#kept + 1] = list[i]
  end
end
if #kept == #list then
  return {0, revision, previous, previous}
end
list = kept
