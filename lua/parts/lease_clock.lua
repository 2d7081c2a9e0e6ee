-- Part: reads the server's clock in ms, by which deadlines are measured.
-- Gives clock
local moment = redis.pcall('TIME')
if moment.err then
  return redis.error_reply('RMAPREFUSED ' .. moment.err)
end
local clock = moment[1] * 1000 + math.floor(moment[2] / 1000)
