-- Part: replies if the key's value does not allow the operation, or nothing changes.
-- Needs revision, previous, value, shown, failed
if failed then
  return redis.error_reply(failed)
end
if value == nil then
  return {0, revision, previous, shown or false}
end
