-- Reads all of a store in bounded parts, below the four calls (archive.ts). Each call is one snapshot, all together none.
--
-- KEYS[1]  the prefix of all keys, with the hash tag
-- ARGV[1]  what is asked for
-- ARGV[2…] scan: cursor, pattern · documents: budget, names · counters, cards: names · lines: budget, number to go on
--          behind in the first log, names · mark: key · fence: nothing
-- Strings count against the budget as bytes; an answer holds at least one thing, and may so exceed it once.
local prefix = KEYS[1]
local what = ARGV[1]

local function key(kind, name) return prefix .. ':' .. kind .. ':' .. name end

-- The next cursor, then names, each with the time of an operation where it is one.
local function scan()
  local found = redis.call('SCAN', ARGV[2], 'MATCH', ARGV[3], 'COUNT', 1000)
  local answer = { found[1] }
  for _, name in ipairs(found[2]) do
    answer[#answer + 1] = name
    local isOperation = string.sub(name, 1, #prefix + 3) == prefix .. ':o:'
    answer[#answer + 1] = isOperation and redis.call('HGET', name, 'at') or ''
  end
  return answer
end

-- One list for each name from the first on, empty where it is gone, until the budget is used.
local function documents()
  local budget, answer = tonumber(ARGV[2]), {}
  for place = 3, #ARGV do
    if budget < 0 then break end
    local found = redis.call('HMGET', key('d', ARGV[place]), 'version', 'value', 'entries', 'until')
    local each = {}
    if found[1] then each = { found[1], found[2] or '', found[3] or '', found[4] or '' } end
    for _, text in ipairs(each) do budget = budget - #text end
    answer[#answer + 1] = each
  end
  return answer
end

local function counters()
  local answer = {}
  for place = 2, #ARGV do answer[#answer + 1] = redis.call('GET', key('c', ARGV[place])) or '' end
  return answer
end

-- How many of the logs are complete, then their lines: the log's place among the names, number, value.
local function lines()
  local budget, after, complete, answer = tonumber(ARGV[2]), ARGV[3], 0, { '0' }
  for place = 4, #ARGV do
    local isOver = false
    local from = '(' .. after .. '-0'
    while not isOver do
      local found = redis.call('XRANGE', key('g', ARGV[place]), from, '+', 'COUNT', 50)
      isOver = #found < 50
      for _, line in ipairs(found) do
        if budget < 0 then return answer end
        local number, value = string.match(line[1], '^%d+'), line[2][2]
        answer[#answer + 1] = tostring(complete)
        answer[#answer + 1] = number
        answer[#answer + 1] = value
        -- A short line costs its own share.
        budget = budget - #value - 100
        from = '(' .. line[1]
      end
    end
    after = '0'
    complete = complete + 1
    answer[1] = tostring(complete)
  end
  return answer
end

local function cards()
  local sum = 0
  for place = 2, #ARGV do sum = sum + redis.call('ZCARD', key('i', ARGV[place])) end
  return { string.format('%.0f', sum) }
end

if what == 'scan' then return scan() end
if what == 'documents' then return documents() end
if what == 'counters' then return counters() end
if what == 'lines' then return lines() end
if what == 'cards' then return cards() end
if what == 'mark' then return { redis.call('HGET', key('d', ARGV[2]), 'value') or '' } end
return { redis.call('GET', prefix .. ':fence') or '' }
