-- Part: from here to the end of `items_end`, a function that reads a value as a list of strings; an error reply if it is none.
-- Gives items, previous
local function items(previous)
