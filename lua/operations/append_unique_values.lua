-- append_unique_values: appends the items that the list does not contain yet.
-- Takes the items. Event set, if an item was new.
-- Needs list, first, last
-- Sets made
local seen, before = {}, #list
for i = 1, before do
  seen[list[i]] = true
end
for i = first, last do
  if not seen[ARGV[i]] then
    seen[ARGV[i]] = true
    list[#list + 1] = ARGV[i]
  end
end
if #list > before then
  made = list
end
