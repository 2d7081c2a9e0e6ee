-- Part: defines a function that adds 64-bit integers in decimal by the rules of HINCRBY, or returns an error reply.
-- HINCRBY itself would write before everything is checked, and a user may have the right to HINCRBY but not to HSET.
-- Lua's numbers are exact only up to 2^53, so the last ten digits of long numbers are added apart from the digits before.
-- Gives sum
local function split(text)
  local sign, digits = string.match(text, '^(%-?)(%d+)$')
  if not digits or #digits > 19 or string.sub(digits, 1, 1) == '0' and text ~= '0' then
    return nil
  end
  local factor = sign == '-' and -1 or 1
  return factor * (tonumber(string.sub(digits, 1, -11)) or 0), factor * tonumber(string.sub(digits, -10))
end

-- Both parts have the same sign.
local function fits(high, low)
  return high > -922337203 and high < 922337203
    or high == 922337203 and low <= 6854775807
    or high == -922337203 and low >= -6854775808
end

local function sum(text, delta)
  if #text < 16 and #delta < 16 and (text == '0' or string.find(text, '^%-?[1-9]%d*$')) then
    return string.format('%.0f', text + delta)
  end
  local high, low = split(text)
  if not high or not fits(high, low) then
    return redis.error_reply('RMAPINTEGER the value is not an integer')
  end
  local more_high, more_low = split(delta)
  high, low = high + more_high, low + more_low
  local carry = math.floor(low / 1e10)
  high, low = high + carry, low - carry * 1e10
  if high < 0 and low > 0 then
    high, low = high + 1, low - 1e10
  end
  if not fits(high, low) then
    return redis.error_reply('RMAPOVERFLOW the sum does not fit 64 bits')
  end
  local sign = (high < 0 or low < 0) and '-' or ''
  if high == 0 then
    return sign .. string.format('%.0f', math.abs(low))
  end
  return sign .. string.format('%.0f%010.0f', math.abs(high), math.abs(low))
end
