-- Part: reads the key's value as a list of strings.
-- A value whose first non-blank byte is [ or { must be a JSON array of strings: strict RFC 8259, valid UTF-8, no lone
-- surrogates. Any other value is comma-separated text, and its empty items are dropped. cjson.decode alone would accept
-- too much.
-- Needs previous
-- Gives list
local list = {}
if previous then
  -- No operation makes a longer list, and reading a longer list of another program could block the server for seconds.
  if #previous > 16777216 then
    return redis.error_reply('RMAPTOOLONG the list has more than 16 MiB')
  end
  -- Every well-formed sequence becomes one ASCII byte. A remaining byte above 127 is invalid.
  local rest = previous
  if string.find(rest, '[\128-\255]') then
    if string.find(rest, '\224[\128-\159]') or string.find(rest, '\237[\160-\191]')
      or string.find(rest, '\240[\128-\143]') or string.find(rest, '\244[\144-\191]') then
      return redis.error_reply('RMAPNOTALIST the value is not valid UTF-8')
    end
    rest = string.gsub(rest, '[\194-\223][\128-\191]', '.')
    rest = string.gsub(rest, '[\224-\239][\128-\191][\128-\191]', '.')
    rest = string.gsub(rest, '[\240-\244][\128-\191][\128-\191][\128-\191]', '.')
    if string.find(rest, '[\128-\255]') then
      return redis.error_reply('RMAPNOTALIST the value is not valid UTF-8')
    end
  end

  if string.find(rest, '^[ \t\n\r]*[%[{]') then
    -- Every escape becomes one byte, every string "", and blanks disappear. Then only one text is valid.
    if string.find(rest, '\\', 1, true) then
      rest = string.gsub(rest, '\\["\\/bfnrt]', '.')
      rest = string.gsub(rest, '\\u[dD][89abAB]%x%x\\u[dD][c-fC-F]%x%x', '.')
      if string.find(rest, '\\u[dD][89a-fA-F]') then
        return redis.error_reply('RMAPNOTALIST the value has a lone surrogate')
      end
      rest = string.gsub(rest, '\\u%x%x%x%x', '.')
    end
    local count
    rest, count = string.gsub(rest, '"[^"\\%z\1-\31]*"', '""')
    rest = string.gsub(rest, '[ \t\n\r]+', '')
    if rest ~= '[' .. string.rep('"",', count - 1) .. (count > 0 and '""]' or ']') then
      return redis.error_reply('RMAPNOTALIST the value is not a JSON array of strings')
    end
    list = cjson.decode(previous)
  else
    for item in string.gmatch(previous, '[^,]+') do
      list[#list + 1] = item
    end
  end
end
