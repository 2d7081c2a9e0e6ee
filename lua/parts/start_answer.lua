-- Part: replies that the sidecars are there.
return 1
