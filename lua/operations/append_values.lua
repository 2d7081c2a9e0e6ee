-- append_values: appends items to a list.
-- Takes the items. Event set, unless no items were given.
-- Needs list, first, last
-- Sets made
if first <= last then
  for i = first, last do
    list[#list + 1] = ARGV[i]
  end
  made = list
end
