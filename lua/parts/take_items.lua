-- Part: declares the inputs and results of an operation on a list. The items are ARGV[first] to ARGV[last].
-- made: the list that the operation makes, nil for no change. `take_values` explains the others.
-- Gives most_items, most_bytes, first, last, made, value, shown, failed
local most_items, most_bytes, first, last = ARGV[5], ARGV[6], 7, #ARGV
local made, value, shown, failed
