-- set_if_not_exists: sets a key to a value if the key has none.
-- Takes the value. Event set, if applied.
-- Needs previous, at
-- Sets value
if not previous then
  value = ARGV[at]
end
