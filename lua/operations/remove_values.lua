-- remove_values: removes every occurrence of the items from a list, and deletes the key of an empty list.
-- Takes the items. Event set, or del when the list becomes empty; none when no item was there.
-- Needs list, first, last
-- Sets made
local unwanted, kept = {}, {}
for i = first, last do
  unwanted[ARGV[i]] = true
end
for i = 1, #list do
  if not unwanted[list[i]] then
    kept[#kept + 1] = list[i]
  end
end
if #kept < #list then
  made = kept
end
