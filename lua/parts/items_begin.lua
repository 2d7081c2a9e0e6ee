-- Part: begins a function that reads a value as a list of strings, or returns an error reply. The function ends in
-- `items_end`.
-- Gives items, previous
local function items(previous)
