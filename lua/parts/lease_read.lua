-- Part: reads the leases of the keys in names. Both reads also prove the types of the sidecars.
-- on: whether a sidecar exists. known_fence: the last fence of the map. last_fence: the same, with those of this script. records: FENCE REVISION SHA1 of each key.
-- scores: the deadline of each key. Where all leases end, the leases of names count as gone already.
-- Needs names, wipes
-- Gives known_fence, last_fence, on, records, scores
local stored_leases = redis.pcall('HMGET', KEYS[2], '=leases', '=fence', unpack(names))
if stored_leases.err then
  return redis.error_reply('RMAPREFUSED ' .. stored_leases.err)
end
local deadlines = redis.pcall('ZMSCORE', KEYS[3], '=on', unpack(names))
if deadlines.err then
  return redis.error_reply('RMAPREFUSED ' .. deadlines.err)
end
local on, known_fence = stored_leases[1] or deadlines[1], tonumber(stored_leases[2] or 0) or 0
local last_fence = known_fence
local records, scores = {}, {}
if not wipes then
  for i, name in ipairs(names) do
    records[name], scores[name] = stored_leases[i + 2], deadlines[i + 1]
  end
end
