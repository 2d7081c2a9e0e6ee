-- delete: deletes a key.
-- Takes nothing. Event del, if the key was there.
-- Needs previous
-- Sets value
if previous then
  value = false
end
