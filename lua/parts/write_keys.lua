-- Part: writes several keys and sets the time to live, after every command was proved and every change published.
-- Needs call, drop, expires, hash, put, reply, stored
local written
if #drop > 2 and not stored then
  -- The HSET comes first, because otherwise the hash could vanish with its last field, and its time to live with it.
  written = call('HSET', hash, '=rev', put[4])
  if type(written) ~= 'table' then
    written = call(unpack(drop))
  end
end
if type(written) ~= 'table' then
  written = call(unpack(put))
end
if expires and type(written) ~= 'table' then
  written = call('PEXPIRE', hash, ARGV[3])
end
if type(written) == 'table' then
  return redis.error_reply('RMAPPARTIAL ' .. written.err)
end
return reply
