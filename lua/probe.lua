-- probe: reads revision, size and time to live, and publishes a mark in the stream of notifications.
-- KEYS  1 hash
-- ARGV  1 private channel, 2 id of the mark, 3 side, 4 leases (both empty for a map that cannot have them)
-- Reply [HLEN, PTTL, revision (0: fields without =rev, -1: no hash), 1 when the last change cleared the map, INFO
--       replication | '', clock in ms | 0, ms to the next deadline of a lease | -1 none, -2 leases are off, -3 unknown]
-- Event the mark, on the private channel
-- Needs cleared, clock, count, left, next_due, replication, revision
return {count, left, revision, cleared, replication, clock, next_due}
