-- Writes one batch of an import, below the four calls: versions and numbers are those of the file (archive.ts).
-- A batch that was done already, because its answer was lost, is known by the mark and done once.
--
-- KEYS[1]  the prefix of all keys, with the hash tag
-- ARGV[1]  JSON: key of the mark's document, mark before ('' for none), mark afterwards ('' to remove it), items
-- ARGV[2…] values, named in the items by position. Numbers are texts: Lua and cjson keep fourteen digits.
-- Answers {"ok"}, or {"no", the mark that is there} with nothing written.
local prefix = KEYS[1]
local batch = cjson.decode(ARGV[1])

local function key(kind, name) return prefix .. ':' .. kind .. ':' .. name end

local function valueOf(item)
  if not item.pieces then return ARGV[item.value] end
  local texts = {}
  for place, piece in ipairs(item.pieces) do texts[place] = redis.call('GET', key('piece', piece)) end
  return table.concat(texts)
end

local function lacksPiece()
  for _, item in ipairs(batch.items) do
    for _, piece in ipairs(item.pieces or {}) do
      if redis.call('EXISTS', key('piece', piece)) == 0 then return true end
    end
  end
  return false
end

local function putDocument(item)
  local name = key('d', item.document)
  redis.call('DEL', name)
  redis.call('HSET', name, 'version', item.version, 'value', valueOf(item), 'entries', item.entries)
  if item['until'] then
    redis.call('HSET', name, 'until', item['until'])
    redis.call('PEXPIRE', name, item.expireMs)
  end
  for line in string.gmatch(item.entries, '[^\n]+') do
    local index, sort = string.match(line, '^(.-)\t(.*)$')
    redis.call('ZADD', key('i', index), 0, sort .. '\0' .. item.document)
  end
end

local function append(item)
  local tail = key('t', item.log)
  -- There already where an earlier try ended half-way, for want of memory for example.
  if tonumber(redis.call('GET', tail) or '0') >= tonumber(item.number) then return end
  redis.call('XADD', key('g', item.log), item.number .. '-0', 'value', valueOf(item))
  redis.call('SET', tail, item.number)
end

local mark = key('d', batch.key)
local is = redis.call('HGET', mark, 'value') or ''
if is == batch.to then return { 'ok' } end
if is ~= batch.from then return { 'no', is } end
if lacksPiece() then return redis.error_reply('ERR a piece of a long value is gone') end
for _, item in ipairs(batch.items) do
  if item.document then putDocument(item)
  elseif item.counter then redis.call('SET', key('c', item.counter), item.amount)
  elseif item.log then append(item)
  -- Absent where none was ever given, as in a new store.
  elseif item.fence ~= '0' then redis.call('SET', prefix .. ':fence', item.fence) end
end
-- Last: what an error cut short is written again.
if batch.to == '' then redis.call('DEL', mark)
else redis.call('HSET', mark, 'version', '1', 'value', batch.to, 'entries', '') end
return { 'ok' }
