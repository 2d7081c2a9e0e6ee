-- Part: encodes the list that an operation made, or fails if the list is too long.
-- The size is checked after encoding, because comma-separated text can grow when it becomes JSON. The limit exists because
-- each change sends the whole list to every subscriber, and the server serves nobody else while it reads and writes a
-- list.
-- Needs made, previous, most_items, most_bytes
-- Sets value, shown, failed
if made then
  local fits = #made <= tonumber(most_items)
  value = fits and #made > 0 and cjson.encode(made)
  if not fits or value and #value > tonumber(most_bytes) then
    failed = 'RMAPTOOLONG the list would have more items or bytes than a list may have'
  end
  shown = value
else
  shown = previous
end
