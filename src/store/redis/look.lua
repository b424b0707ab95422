-- Reads: looks that were asked for in one turn (answer.lua stands before this).
--
-- ARGV[1]  JSON: for each look its time and its queries
-- Answers one list for each look, in it one for each query.
local looks = {}
for at, look in ipairs(cjson.decode(ARGV[1])) do looks[at] = answersTo(look.queries, look.now) end
return looks
