-- Part: a list that an operation made, as text; an error reply if it is too long. Comma-separated text can grow when it becomes JSON.
-- Each change sends the whole list to every subscriber, and the server answers nobody else while it reads and writes one.
-- Needs list, ARGV[5] and ARGV[6]. Gives value (false where nothing is left), shown.
local value = #list <= tonumber(ARGV[5]) and (#list > 0 and cjson.encode(list))
if #list > tonumber(ARGV[5]) or value and #value > tonumber(ARGV[6]) then
  return redis.error_reply('RMAPTOOLONG the list would have more items or bytes than a list may have')
end
shown = value
