-- Answers to queries, each along one key or one index; stands before both scripts. A script is one snapshot.
--
-- KEYS[1]  the prefix of all keys, with the hash tag
-- A query has its bounds as encode.ts made them. Its answer: a document {version, value} or {}, a counter {number}, entries
-- {sort, key, version, value, heads}, lines {number, value}.
local prefix = KEYS[1]

local function key(kind, name) return prefix .. ':' .. kind .. ':' .. name end

local function valueOf(name, now)
  local found = redis.call('HMGET', key('d', name), 'version', 'value', 'until')
  if not found[1] or (found[3] and tonumber(found[3]) <= now) then return {} end
  return { found[1], found[2] }
end

local function entries(index, from, to, limit, back)
  if limit == 0 then return {} end
  local limits = { 'LIMIT', 0, limit }
  if back then return redis.call('ZREVRANGEBYLEX', key('i', index), to, from, unpack(limits)) end
  return redis.call('ZRANGEBYLEX', key('i', index), from, to, unpack(limits))
end

local function entryOf(text, now)
  local place = string.find(text, '\0', 1, true)
  local name = string.sub(text, place + 1)
  local found = valueOf(name, now)
  return { string.sub(text, 1, place - 1), name, found[1] or '', found[2] or '' }
end

local function range(query, now)
  local hits = {}
  for place, text in ipairs(entries(query.range, query.from, query.to, query.limit, query.back)) do
    local hit = entryOf(text, now)
    local heads = {}
    if query.each then
      for at, head in ipairs(entries(query.each.prefix .. hit[2], '-', '+', query.each.limit, false)) do
        heads[at] = entryOf(head, now)
      end
    end
    hit[5] = heads
    hits[place] = hit
  end
  return hits
end

local function read(query)
  if query.limit == 0 then return {} end
  local name = key('g', query.read)
  local found
  if query.back then found = redis.call('XREVRANGE', name, query.to, query.from, 'COUNT', query.limit)
  else found = redis.call('XRANGE', name, query.from, query.to, 'COUNT', query.limit) end
  local lines = {}
  for place, line in ipairs(found) do lines[place] = { string.match(line[1], '^%d+'), line[2][2] } end
  return lines
end

local function answer(query, now)
  if query.get then return valueOf(query.get, now) end
  if query.counter then return { redis.call('GET', key('c', query.counter)) or '0' } end
  if query.range then return range(query, now) end
  return read(query)
end

local function answersTo(queries, now)
  local answers = {}
  for place, query in ipairs(queries) do answers[place] = answer(query, now) end
  return answers
end
