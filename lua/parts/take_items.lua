-- Part: what an operation on a list decides with, and what it says. Its items are ARGV[first] to ARGV[last].
-- made: the list that it makes, nil where nothing is to change. The rest: see `take_values`.
-- Gives most_items, most_bytes, first, last, made, value, shown, failed
local most_items, most_bytes, first, last = ARGV[5], ARGV[6], 7, #ARGV
local made, value, shown, failed
