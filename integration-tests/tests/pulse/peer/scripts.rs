//! The peer's writes. They run the recorded commands in the recorded order, with the recorded defects: a field is
//! written before the revision is read, lists are whatever `cjson` makes of a value, `tostring` prints revisions.

use crate::call::Call;

/// `KEYS` are the hash and the channel. Every script answers a flag, the value before, the value now, the revision or
/// ''.
const COMMON: &str = r"
local function bump(kind)
  local revision = tostring(redis.call('HINCRBY', KEYS[1], '=rev', 1))
  redis.call('HSET', KEYS[1], '=kind', kind)
  return revision
end

local function put(key, value)
  redis.call('HSET', KEYS[1], key, value)
  local revision = bump('set')
  local sized = struct.pack('<I4c0I4c0I4c0', #key, key, #value, value, #revision, revision)
  redis.call('PUBLISH', KEYS[2], 'set:' .. sized)
  return revision
end

local function drop(key)
  redis.call('HDEL', KEYS[1], key)
  local revision = bump('del')
  redis.call('PUBLISH', KEYS[2], 'del:' .. struct.pack('<I4c0I4c0', #key, key, #revision, revision))
  return revision
end

local function clear(kind)
  local revision = bump(kind)
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], '=rev', revision, '=kind', kind)
  redis.call('PUBLISH', KEYS[2], kind .. ':' .. revision)
  return revision
end

local function get(key)
  return redis.call('HGET', KEYS[1], key)
end

local function list(value)
  local ok, decoded = pcall(cjson.decode, value or '')
  if ok and type(decoded) == 'table' then
    return decoded
  end
  local items = {}
  for item in string.gmatch(value or '', '[^,]+') do
    items[#items + 1] = item
  end
  return items
end
";

const SET: &str = "
local before = get(ARGV[1])
return {1, before, false, put(ARGV[1], ARGV[2])}";

const SET_IF_NOT_EXISTS: &str = "
local before = get(ARGV[1])
if before then
  return {0, before, false, ''}
end
return {1, before, false, put(ARGV[1], ARGV[2])}";

const TEST_AND_SET: &str = "
local before = get(ARGV[1])
if before ~= ARGV[2] then
  return {0, before, false, ''}
end
return {1, before, false, put(ARGV[1], ARGV[3])}";

const DELETE: &str = "
local before = get(ARGV[1])
if not before then
  return {0, before, false, ''}
end
return {1, before, false, drop(ARGV[1])}";

const TEST_AND_DELETE: &str = "
local before = get(ARGV[1])
if before ~= ARGV[2] then
  return {0, before, false, ''}
end
return {1, before, false, drop(ARGV[1])}";

const INC: &str = "
redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
local sum = get(ARGV[1])
return {1, false, sum, put(ARGV[1], sum)}";

const APPEND: &str = "
local before = get(ARGV[1])
if #ARGV == 1 then
  return {0, before, before, ''}
end
local items = list(before)
for i = 2, #ARGV do
  items[#items + 1] = ARGV[i]
end
local value = cjson.encode(items)
return {1, before, value, put(ARGV[1], value)}";

const APPEND_UNIQUE: &str = "
local before = get(ARGV[1])
local items, seen, added = list(before), {}, false
for _, item in ipairs(items) do
  seen[item] = true
end
for i = 2, #ARGV do
  if not seen[ARGV[i]] then
    seen[ARGV[i]], added = true, true
    items[#items + 1] = ARGV[i]
  end
end
if not added then
  return {0, before, before, ''}
end
local value = cjson.encode(items)
return {1, before, value, put(ARGV[1], value)}";

const REMOVE: &str = "
local before = get(ARGV[1])
local items, unwanted, kept = list(before), {}, {}
for i = 2, #ARGV do
  unwanted[ARGV[i]] = true
end
for _, item in ipairs(items) do
  if not unwanted[item] then
    kept[#kept + 1] = item
  end
end
if #kept == #items then
  return {0, before, before, ''}
elseif #kept == 0 then
  return {1, before, false, drop(ARGV[1])}
end
local value = cjson.encode(kept)
return {1, before, value, put(ARGV[1], value)}";

const RESET: &str = "return {1, false, false, clear('reset')}";

const DESTROY: &str = "return {1, false, false, clear('destroy')}";

/// Without any test the script clears the map.
const TEST_AND_RESET: &str = "
for i = 1, #ARGV, 2 do
  if get(ARGV[i]) ~= ARGV[i + 1] then
    return {0, false, false, ''}
  end
end
return {1, false, false, clear('reset')}";

/// The script of an operation and its arguments.
pub(super) fn of(call: &Call) -> (String, Vec<Vec<u8>>) {
    let with_items = |key: &Vec<u8>, items: &[Vec<u8>]| [std::slice::from_ref(key), items].concat();
    let copied = |arguments: &[&Vec<u8>]| arguments.iter().copied().cloned().collect();
    let (body, arguments) = match call {
        Call::Set { key, value } => (SET, copied(&[key, value])),
        Call::SetIfNotExists { key, value } => (SET_IF_NOT_EXISTS, copied(&[key, value])),
        Call::TestAndSet { key, test, value } => (TEST_AND_SET, copied(&[key, test, value])),
        Call::Delete { key } => (DELETE, copied(&[key])),
        Call::TestAndDelete { key, test } => (TEST_AND_DELETE, copied(&[key, test])),
        Call::Inc { key, delta } => (INC, vec![key.clone(), delta.to_string().into_bytes()]),
        Call::Append { key, items } => (APPEND, with_items(key, items)),
        Call::AppendUnique { key, items } => (APPEND_UNIQUE, with_items(key, items)),
        Call::Remove { key, items } => (REMOVE, with_items(key, items)),
        Call::Reset => (RESET, Vec::new()),
        Call::Destroy => (DESTROY, Vec::new()),
        Call::TestAndReset { keys, tests } => {
            let pairs = keys.iter().zip(tests).flat_map(|(key, test)| [key.clone(), test.clone()]);
            (TEST_AND_RESET, pairs.collect())
        }
    };
    ([COMMON, body].concat(), arguments)
}
