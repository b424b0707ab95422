-- Commits, one after the other, each on the state that those before it left: the answer of an earlier try, a refusal with
-- every condition that failed, or the effects. All conditions of a commit are judged before it writes anything, because an
-- error in the middle of a script would keep what was written before it. What the commits ask is answered after them all
-- (answer.lua stands before this).
--
-- ARGV[1]  JSON: the commits (see encode.ts)
-- ARGV[2]  who commits, for those who hear of it
-- ARGV[3…] their values, named in the commits by position
-- Answers for each commit what became of it, {"ok", fences, numbers} · {"no", kind, name, is, …} · {"fault", why}, and a list
-- with one answer for each of its queries.
--
-- Numbers are written with all their digits by hand: Lua and cjson keep fourteen.
local commits = cjson.decode(ARGV[1])
local opKeptMs = 600000
-- What is past is judged by the commit's own time; the server's clock only cleans up, and well afterwards.
local slackMs = 3600000
local safe = 9007199254740991

local function digits(number) return string.format('%.0f', number) end
local function list(numbers)
  local texts = {}
  for place, number in ipairs(numbers) do texts[place] = digits(number) end
  return table.concat(texts, ',')
end

-- Version (0 where there is none) and entries of a document.
local function document(name, now)
  local found = redis.call('HMGET', key('d', name), 'version', 'until', 'entries')
  if not found[1] or (found[2] and tonumber(found[2]) <= now) then return 0, '' end
  return tonumber(found[1]), found[3] or ''
end

local function leaseOf(name, now)
  local found = redis.call('HMGET', key('l', name), 'holder', 'fence', 'until')
  if not found[1] or tonumber(found[3]) <= now then return nil end
  return { holder = found[1], fence = tonumber(found[2]) }
end

local function counterOf(name) return tonumber(redis.call('GET', key('c', name)) or '0') end

local function allows(lease, act)
  if act.act == 'take' then return lease == nil end
  return lease ~= nil and lease.holder == act.holder and lease.fence == act.fence
end

-- What failed as a flat list, each thing named once; the counters as they will be; or the name of one that overflows.
local function judge(commit)
  local failed, named, sums = { 'no' }, {}, {}
  local function fail(kind, name, is)
    if named[kind .. ' ' .. name] then return end
    named[kind .. ' ' .. name] = true
    failed[#failed + 1] = kind
    failed[#failed + 1] = name
    failed[#failed + 1] = is
  end
  for _, condition in ipairs(commit.versions) do
    local version = document(condition[1], commit.now)
    if version ~= condition[2] then fail('version', condition[1], digits(version)) end
  end
  for _, act in ipairs(commit.leases) do
    local lease = leaseOf(act.name, commit.now)
    if not allows(lease, act) then fail('lease', act.name, lease and lease.holder or '') end
  end
  for _, addition in ipairs(commit.add) do
    local name = addition.counter
    local is = counterOf(name)
    local sum = (sums[name] or is) + addition.by
    if sum > safe or sum < -safe then return failed, sums, name end
    sums[name] = sum
    if (addition.min and sum < addition.min) or (addition.max and sum > addition.max) then
      fail('counter', name, digits(is))
    end
  end
  return failed, sums, nil
end

local function applyLease(act, now)
  if act.act == 'release' then
    redis.call('DEL', key('l', act.name))
  elseif act.act ~= 'hold' then
    local fence = act.fence
    if act.act == 'take' then fence = redis.call('INCR', prefix .. ':fence') end
    redis.call('HSET', key('l', act.name), 'holder', act.holder, 'fence', digits(fence), 'until', digits(act['until']))
    redis.call('PEXPIRE', key('l', act.name), digits(math.max(0, act['until'] - now) + slackMs))
    return fence
  end
  return act.fence
end

-- An entry is a member of its index's sorted set, all with one score, so that they order as bytes: sort, NUL, key.
local function member(line, name)
  local index, sort = string.match(line, '^(.-)\t(.*)$')
  return key('i', index), sort .. '\0' .. name
end

local function linesOf(text)
  local lines = {}
  for line in string.gmatch(text, '[^\n]+') do lines[line] = true end
  return lines
end

local function changeEntries(name, before, after)
  local old, new = linesOf(before), linesOf(after)
  for line in pairs(old) do
    if not new[line] then redis.call('ZREM', member(line, name)) end
  end
  for line in pairs(new) do
    if not old[line] then
      local index, entry = member(line, name)
      redis.call('ZADD', index, 0, entry)
    end
  end
end

-- A value that was too long for one request was sent before, piece by piece.
local function valueOf(put)
  if not put.pieces then return ARGV[put.value] end
  local texts = {}
  for place, piece in ipairs(put.pieces) do texts[place] = redis.call('GET', key('piece', piece)) end
  return table.concat(texts)
end

local function isWanted(put, version)
  if put.ensure and version > 0 then return false end
  local guard = put['if']
  if not guard then return true end
  if guard.version then return guard.version == version end
  local value = counterOf(guard.counter)
  return not (guard.min and value < guard.min) and not (guard.max and value > guard.max)
end

local function applyPut(put, now)
  local version, entries = document(put.key, now)
  if not isWanted(put, version) then return end
  local isDeletion = not put.value and not put.pieces
  changeEntries(put.key, entries, isDeletion and '' or put.entries)
  local name = key('d', put.key)
  redis.call('DEL', name)
  if isDeletion then return end
  redis.call('HSET', name, 'version', digits(version + 1), 'value', valueOf(put), 'entries', put.entries)
  if put['until'] then
    redis.call('HSET', name, 'until', digits(put['until']))
    redis.call('PEXPIRE', name, digits(math.max(0, put['until'] - now) + slackMs))
  end
end

local function append(log, values)
  local tail = redis.call('INCRBY', key('t', log), #values)
  for place, value in ipairs(values) do
    redis.call('XADD', key('g', log), digits(tail - #values + place) .. '-0', 'value', ARGV[value])
  end
  return tail
end

local function trim(log, below)
  if below == 'everything' then
    redis.call('DEL', key('g', log), key('t', log))
  else
    -- The last line stays, so that numbers go on.
    local tail = tonumber(redis.call('GET', key('t', log)) or '0')
    redis.call('XTRIM', key('g', log), 'MINID', '=', digits(math.min(below, tail)) .. '-0')
  end
end

-- Every piece that a commit relies on must be there, or it has to be sent again.
local function lacksPiece(commit)
  for _, put in ipairs(commit.puts) do
    for _, piece in ipairs(put.pieces or {}) do
      if redis.call('EXISTS', key('piece', piece)) == 0 then return true end
    end
  end
  return false
end

local topics = {}

local function decide(commit)
  local operation = key('o', commit.op)
  local before = redis.call('HMGET', operation, 'at', 'fences', 'numbers')
  if before[1] and tonumber(before[1]) > commit.now - opKeptMs then return { 'ok', before[2], before[3] } end
  local failed, sums, overflowing = judge(commit)
  if overflowing then return { 'fault', 'counter ' .. overflowing .. ' would leave the safe integers' } end
  if #failed > 1 then return failed end
  if lacksPiece(commit) then return { 'fault', 'a piece of a long value is gone' } end
  local fences, numbers = {}, {}
  for place, act in ipairs(commit.leases) do fences[place] = applyLease(act, commit.now) end
  for name, sum in pairs(sums) do
    if sum == 0 then redis.call('DEL', key('c', name)) else redis.call('SET', key('c', name), digits(sum)) end
  end
  for _, put in ipairs(commit.puts) do applyPut(put, commit.now) end
  for place, each in ipairs(commit.appends) do numbers[place] = append(each.log, each.values) end
  for _, each in ipairs(commit.trims) do trim(each.log, each.below) end
  local answer = { 'ok', list(fences), list(numbers) }
  redis.call('HSET', operation, 'at', digits(commit.now), 'fences', answer[2], 'numbers', answer[3])
  redis.call('PEXPIRE', operation, digits(opKeptMs + slackMs))
  for _, topic in ipairs(commit.wake) do topics[topic] = true end
  return answer
end

local answers = {}
for place, commit in ipairs(commits) do answers[place] = { decide(commit) } end
for place, commit in ipairs(commits) do answers[place][2] = answersTo(commit.asked, commit.now) end
local news = {}
for topic in pairs(topics) do news[#news + 1] = topic end
if #news > 0 then redis.call('PUBLISH', prefix .. ':wake', ARGV[2] .. '\t' .. table.concat(news, '\t')) end
return answers
