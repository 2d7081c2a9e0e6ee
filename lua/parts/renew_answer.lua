-- Part: names the keys that are held no more.
-- Needs lost
return lost
