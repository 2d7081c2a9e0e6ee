-- Part: defines what a write does to the lease of its key.
-- planned: for each changed key the lease that it has afterwards, false for none. tags: time left by the place of a
-- notification. asked: the lease that `lease` began in this step.
-- A write that shows the new value has made it of the previous one (inc, lists), and carries the lease over.
-- Needs holds, records, scores
-- Gives asked, change_lease, planned, tags
local planned, tags, asked = {}, {}, nil
local function change_lease(name, previous, value, shown, place)
  local lease = planned[name]
  if value and asked then
    lease = asked
    lease.place, tags[place] = place, lease.ms
  elseif value and shown == value then
    if lease == nil and scores[name] then
      local fence, set = holds(records[name], previous)
      lease = fence and {fence = fence, revision = set}
    end
    if lease and #value > 65536 then
      return 'RMAPTOOLONG a value with a lease has at most 64 KiB'
    end
  else
    lease = false
  end
  if lease then
    lease.value = value
  end
  planned[name], asked = lease or false, nil
end
