-- Part: publishes the mark, which shows where in the stream of notifications this read took place.
local marked = redis.pcall('PUBLISH', ARGV[1], ARGV[2])
if type(marked) == 'table' then
  return redis.error_reply('RMAPREFUSED ' .. marked.err)
end
