-- set_if_not_exists: gives a key a value if it has none.
-- Takes the value. Event set, if applied.
-- Needs previous, at
-- Sets value
if not previous then
  value = ARGV[at]
end
