// Lua code that would never end or eat the machine, by what it attacks. Each must be killed, or refused with
// a Lua error, about when its budget is used up, and must leave the state as it was.

export interface Attack {
  readonly name: string
  readonly source: string
}

const table = (rows: Readonly<Record<string, string>>): readonly Attack[] =>
  Object.entries(rows).map(([name, source]) => ({ name, source }))

/** They would run for ever. */
export const ENDLESS: readonly Attack[] = table({
  'an empty loop': 'while true do end',
  'repeat until': 'repeat until false',
  'a numeric for': 'for i = 1, 1e300 do end',
  'a generic for': 'for _ in function() return 1 end do end',
  'a loop through a goto-like tail call':
    'local f, g function f() return g() end function g() return f() end f()',
  'tail calls': 'local function f() return f() end f()',
  'pcall in a loop': 'local function f() while true do end end while true do pcall(f) end',
  'pcall in pcall in a loop':
    'while true do pcall(pcall, pcall, function() while true do end end) end',
  'pcall of an error in a loop': 'while true do pcall(error, "x") end',
  'errors from depth':
    'local function f(n) if n == 0 then error("x") end f(n - 1) return 1 end while true do pcall(f, 150) end',
  'an xpcall handler that loops': 'xpcall(error, function() while true do end end)',
  'an xpcall handler that fails': 'while true do xpcall(error, function() error("y") end) end',
  'xpcall in a loop': 'while true do xpcall(error, function() return 1 end) end',
  'coroutines in a loop': 'while true do coroutine.wrap(function() coroutine.yield() end)() end',
  'a loop inside a coroutine':
    'coroutine.resume(coroutine.create(function() while true do end end))',
  'pcall around a coroutine':
    'while true do pcall(coroutine.wrap(function() while true do end end)) end',
  'two coroutines that resume each other':
    'local a a = coroutine.wrap(function() while true do coroutine.yield() end end) while true do a() end',
  'a sort comparator':
    'local t = {} for i = 1, 1000 do t[i] = i end while true do table.sort(t, function(a, b) return a > b end) end',
  'a sort comparator that lies':
    'local t = {} for i = 1, 2e4 do t[i] = i end while true do pcall(table.sort, t, function() return true end) end',
  'a sort comparator that loops': 'pcall(table.sort, {1, 2}, function() while true do end end)',
  metamethods:
    'local t t = setmetatable({}, {__index = function(s, k) return t[k] end}) while true do pcall(function() return t.x end) end',
  'an __index that loops':
    'return setmetatable({}, {__index = function() while true do end end}).x',
  'an __eq that loops': `local m = {__eq = function() while true do end end}
     return pcall(function() return setmetatable({}, m) == setmetatable({}, m) end)`,
  'a __concat that loops':
    'return setmetatable({}, {__concat = function() while true do end end}) .. "x"',
  'a __tostring that loops':
    'return pcall(tostring, setmetatable({}, {__tostring = function() while true do end end}))',
  'a chain of __index tables':
    'local t = {} for i = 1, 90 do t = setmetatable({}, {__index = t}) end while true do local x = t.x end',
  'gsub callbacks': 'while true do ("x"):gsub("x", function() end) end',
  'a gsub callback that loops': 'pcall(string.gsub, "x", "x", function() while true do end end)',
  'a gmatch iterator': 'while true do for w in ("a b c"):gmatch("%w") do end end',
  'an __iter that loops':
    'for x in setmetatable({}, {__iter = function() while true do end end}) do end',
  'a chunk reader': 'load(function() return " " end)',
  'a chunk reader that loops': 'pcall(load, function() while true do end end)',
  'loading small chunks': 'while true do loadstring("return 1") end',
  'requiring what is not there': 'while true do pcall(require, "no.such.module") end',
  'endless recursion under pcall': 'local function f() pcall(f) f() end while true do pcall(f) end',
  'setfenv and getfenv': 'local function f() end while true do setfenv(f, getfenv(f)) end',
  unpack: 'local t = {} for i = 1, 5000 do t[i] = i end while true do select("#", unpack(t)) end',
  next: 'local t = {} for i = 1, 1e4 do t[i] = i end for i = 1, 1e4 do t[i] = nil end while true do next(t) end',
  'the length of a table':
    'local t = {} for i = 1, 1e4 do t[i] = i end while true do local n = #t end',
  'inserting at the front': 'local t = {} while true do table.insert(t, 1, 0) end',
  'removing at the front':
    'while true do local t = {} for i = 1, 2e4 do t[i] = i end for i = 1, 2e4 do table.remove(t, 1) end end',
})

/** One native step that is long by itself. */
export const STEPS: readonly Attack[] = table({
  'a catastrophic pattern': 'local s = ("a"):rep(40) s:find(("a*"):rep(20) .. "b")',
  'a pattern that steps back': 'string.find(("a"):rep(1e5), ".-.-.-.-b$")',
  'a balanced pattern': 'local s = ("("):rep(1e6) while true do s:find("%b()") end',
  'a frontier pattern': 'local s = ("a"):rep(1e6) while true do s:find("%f[b]") end',
  'a back reference': 'local s = ("a"):rep(1e5) while true do s:find("(a*)%1b") end',
  'plain find': 'local s = ("a"):rep(1e7) while true do s:find("b", 1, true) end',
  'plain find of a long text':
    'local s, p = ("a"):rep(1e6), ("a"):rep(5e5) .. "b" while true do s:find(p, 1, true) end',
  'rep of a gigabyte': 'while true do pcall(string.rep, "x", 1e9) end',
  'rep of 40 MB': 'local t = {} while true do t[#t + 1] = ("x"):rep(4e7) end',
  'rep of a long text': 'while true do ("abcdefghijklmnopqrstuvwxyz"):rep(2e6) end',
  'rep with nothing': 'while true do (""):rep(1e15) end',
  doubling: 'while true do local s = "x" pcall(function() while true do s = s .. s end end) end',
  'joined texts as keys':
    'local t = {} while true do local s = "x" .. #t for i = 1, 24 do s = s .. s end local x = t[s] t[#t + 1] = s end',
  'joined texts compared': `local t, o = {}, ("x"):rep(2^24)
     while true do local s = "x" for i = 1, 24 do s = s .. s end local x = s == o t[#t + 1] = s end`,
  'appending to a long text':
    'local s = ("x"):rep(1e7) while true do s = s .. "y" local b = s:byte(-1) end',
  'table.concat of much': `local t, x = {}, ("x"):rep(1e5) for i = 1, 500 do t[i] = x end
     while true do table.concat(t) end`,
  'table.concat of many':
    'local t = {} for i = 1, 3e5 do t[i] = "x" end while true do table.concat(t, ",") end',
  'table.concat beyond the limit':
    'local t, x = {}, ("x"):rep(1e6) for i = 1, 1000 do t[i] = x end while true do pcall(table.concat, t) end',
  'gsub that grows':
    'local s, r = ("x"):rep(1e5), ("y"):rep(5000) while true do pcall(string.gsub, s, "x", r) end',
  'gsub over much': 'local s = ("x"):rep(5e6) while true do s:gsub("x", "yy") end',
  'gsub with a table': 'local s = ("x"):rep(5e6) while true do s:gsub("x", {x = "yyy"}) end',
  'format with width': 'while true do pcall(string.format, "%99d%99d%.99f", 1, 2, 1e300) end',
  'format of a long text': 'local s = ("x"):rep(1e7) while true do string.format("%s%s", s, s) end',
  'format with %q': 'local s = ("\\n"):rep(5e6) while true do string.format("%q", s) end',
  'format of huge numbers': 'while true do string.format("%f %d %x", 1e308, 1e18, -1) end',
  upper: 'local s = ("x"):rep(1e7) while true do s:upper() end',
  reverse: 'local s = ("x"):rep(1e7) while true do s:reverse() end',
  byte: 'local s = ("x"):rep(1e5) while true do pcall(string.byte, s, 1, -1) end',
  char: 'local t = {} for i = 1, 5000 do t[i] = 65 end while true do string.char(unpack(t)) end',
  sub: 'local s = ("x"):rep(1e7) while true do local t = s:sub(2) end',
  'comparing long texts':
    'local a, b = ("x"):rep(1e7), ("x"):rep(1e7) while true do local r = a < b end',
  'comparing equal texts':
    'local a, b = ("x"):rep(1e7), ("x"):rep(1e7) while true do local r = a == b end',
  'tonumber of a long text': 'local s = ("1"):rep(1e7) while true do tonumber(s) end',
  'tonumber of blanks': 'local s = (" "):rep(1e7) while true do tonumber(s) end',
  'tonumber with a base': 'local s = ("z"):rep(1e7) while true do tonumber(s, 36) end',
  'arithmetic on a long text': 'local s = ("1"):rep(1e6) while true do local n = s + 1 end',
  'arithmetic on hexadecimal': 'local s = "0x" .. ("f"):rep(1e6) while true do local n = s + 1 end',
  'tostring of a long text': 'local s = ("x"):rep(1e7) while true do tostring(s) end',
  'a huge unpack': 'local t = {} for i = 1, 2e5 do t[i] = i end while true do pcall(unpack, t) end',
  'unpack of a huge range': 'while true do pcall(unpack, {}, 1, 1e8) end',
  'unpack near the edge': 'while true do pcall(unpack, {}, 1, 1e15) end',
  'select of many':
    'local t = {} for i = 1, 5000 do t[i] = i end while true do select(-1, unpack(t)) end',
  'sorting much': 'local t = {} for i = 1, 1e5 do t[i] = -i end while true do table.sort(t) end',
  'sorting long texts': `local t, s = {}, ("x"):rep(1e5) for i = 1, 500 do t[i] = s .. i end
     while true do table.sort(t, function(a, b) return a > b end) table.sort(t) end`,
  'loading a long chunk': 'local s = ("x = 1 "):rep(7e4) while true do loadstring(s) end',
  'loading a long string':
    'local s = "return \\"" .. ("x"):rep(1e7) .. "\\"" while true do loadstring(s) end',
  'loading a long comment':
    'local s = "--[[" .. ("x"):rep(1e7) .. "]]" while true do loadstring(s) end',
  'loading blanks': 'local s = ("\\n"):rep(1e7) while true do loadstring(s) end',
  'loading a long name': 'local s = ("x"):rep(1e7) while true do loadstring(s) end',
  'loading a long number': 'local s = "return " .. ("1"):rep(1e7) while true do loadstring(s) end',
  'loading many constants':
    'local s = {} for i = 1, 1e5 do s[i] = i end s = "return {" .. table.concat(s, ",") .. "}" while true do loadstring(s) end',
  'loading many functions':
    'local s = ("f = function() end "):rep(2e4) while true do loadstring(s) end',
  'loading nested parentheses':
    'local s = "return " .. ("("):rep(1e6) while true do loadstring(s) end',
  'loading nested tables': 'local s = "return " .. ("{"):rep(1e6) while true do loadstring(s) end',
  'loading nested functions':
    'local s = ("return function() "):rep(1e5) while true do loadstring(s) end',
  'loading a long concatenation':
    'local s = "return x" .. ("..x"):rep(1e5) while true do loadstring(s) end',
  'loading a long chain of operators':
    'local s = "return x" .. ("+x"):rep(3e5) while true do loadstring(s) end',
  'loading a chain of unary operators':
    'local s = "return " .. ("-"):rep(1e6) .. "x" while true do loadstring(s) end',
  'loading nested ifs': 'local s = ("if x then "):rep(1e5) while true do loadstring(s) end',
  'loading many elseifs':
    'local s = "if a then " .. ("elseif a then "):rep(3e4) .. "end" while true do loadstring(s) end',
  'loading a long condition':
    'local s = "return x" .. (" and x or y"):rep(3e4) while true do loadstring(s) end',
  'loading many locals':
    'local s = ("do local a, b, c = 1 end "):rep(3e4) while true do loadstring(s) end',
  'loading many breaks':
    'local s = "while a do " .. ("if b then break end "):rep(2e4) .. "end" while true do loadstring(s) end',
  'looking at levels':
    'local function f(n) if n == 0 then while true do debug.getinfo(9999) end end f(n - 1) return 1 end f(10000)',
  'loading pieces': `local piece = ("x = 1 "):rep(1e4)
     while true do local n = 0 load(function() n = n + 1 return n < 100 and piece or nil end) end`,
  'a long error message': 'local s = ("x"):rep(1e7) while true do pcall(error, s) end',
  'a traceback from depth':
    'local function f(n) if n == 0 then return debug.traceback() end local s = f(n - 1) return s end while true do f(10000) end',
  'os.date with a long format': 'local s = ("%c"):rep(1e5) while true do os.date(s) end',
  'print of long texts': 'local s = ("x"):rep(1e6) while true do print(s) end',
  'math on huge ranges':
    'while true do pcall(math.random, 1, 2^60) pcall(math.max, unpack({1, 2, 3})) end',
  'bitwise on large numbers': 'local n = 0 while true do n = (2^60 | n) ^^ 2^61 end',
  'table.maxn': 'local t = {} for i = 1, 1e5 do t[i] = i end while true do table.maxn(t) end',
  'module names': 'local s = ("a."):rep(1e5) while true do pcall(require, s) end',
  'string to environment': 'local s = ("a."):rep(1e4) while true do pcall(module, s .. "x") end',
})

/** They would eat all memory. */
export const HUNGRY: readonly Attack[] = table({
  'tables in a table': 'local t = {} while true do t = {t} end',
  'array items': 'local t = {} while true do t[#t + 1] = 1 end',
  fields: 'local t, n = {}, 0 while true do n = n + 0.5 t[n] = 1 end',
  'table constructors':
    'local t = {} while true do t[#t + 1] = {1, 2, 3, 4, 5, 6, 7, 8, x = 1, y = 2} end',
  strings: 'local t = {} while true do t[#t + 1] = ("x"):rep(1000) end',
  'small strings': 'local t, n = {}, 0 while true do n = n + 1 t[n] = "k" .. n end',
  'strings of a megabyte': 'local t = {} while true do t[#t + 1] = ("x"):rep(1e6) .. #t end',
  substrings: 'local s, t = ("x"):rep(1e5), {} while true do t[#t + 1] = s:sub(2) end',
  closures: 'local t = {} while true do local x = #t t[x + 1] = function() return x end end',
  coroutines: 'local t = {} while true do t[#t + 1] = coroutine.create(function() end) end',
  'coroutines that wait': `local t = {} while true do
     local f = coroutine.wrap(function() coroutine.yield() end) f() t[#t + 1] = f end`,
  chunks:
    'local t = {} while true do t[#t + 1] = loadstring("local a = 1 return function() return a end") end',
  'varargs kept': 'local t = {} local function f(...) t[#t + 1] = {...} return f(1, ...) end f()',
  metatables: 'local t = {} while true do t[#t + 1] = setmetatable({}, {}) end',
  proxies: 'local t = {} while true do t[#t + 1] = newproxy(true) end',
  dates: 'local t = {} while true do t[#t + 1] = os.date("*t") end',
  'gmatch iterators': 'local t = {} while true do t[#t + 1] = ("x"):gmatch("x") end',
})

/** They recurse without end: a Lua error, at the latest a kill. */
export const DEEP: readonly Attack[] = table({
  'a function': 'local function f() return 1 + f() end f()',
  'a function with many locals':
    'local function f(a, b, c, d, e) local g, h, i, j, k = a, b, c, d, e return 1 + f(g, h, i, j, k) end f()',
  'varargs that grow': 'local function f(...) return 1 + f(1, ...) end f()',
  pcall: 'local function f() return pcall(f) end return select(-1, f())',
  xpcall: 'local function f() return xpcall(f, error) end return f()',
  'an error handler':
    'local function h() error("x") end return xpcall(error, function() return h() + 1 end)',
  'a handler that calls xpcall': 'local function h() return xpcall(error, h) end return h()',
  gsub: 'local function f() return ("x"):gsub("x", f) end f()',
  sort: 'local function f() table.sort({1, 2, 3}, f) return true end f()',
  __index: 'local t = setmetatable({}, {__index = function(t, k) return t[k] end}) return t.x',
  '__index tables': 'local t = {} setmetatable(t, {__index = t}) return t.x',
  '__newindex tables': 'local t = {} setmetatable(t, {__newindex = t}) t.x = 1',
  __call: 'local t = {} setmetatable(t, {__call = t}) t()',
  '__call functions':
    'local t = setmetatable({}, {}) getmetatable(t).__call = function() return 1 + t() end t()',
  __concat:
    'local t t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. "x"',
  __tostring:
    'local t t = setmetatable({}, {__tostring = function() return tostring(t) end}) return tostring(t)',
  __eq: `local m = {} m.__eq = function(a, b) return a == b end
     return setmetatable({}, m) == setmetatable({}, m)`,
  'coroutines in coroutines': 'local function f() return coroutine.wrap(f)() end f()',
  'coroutines with pcall': 'local function f() return pcall(coroutine.wrap(f)) end f()',
  loadstring: 'f = function() return loadstring("return 1 + f()")() end f()',
  require: 'package.preload.a = function() return (require("a")) end require("a")',
  'require of many': `local n = 0 setmetatable(package.preload, {__index = function(_, k)
     return function() n = n + 1 return require("m" .. n) end end}) require("x")`,
  'table.foreach': 'local function f() table.foreach({1}, f) return nil end f()',
  'nested tables in source': 'assert(loadstring("return " .. ("{"):rep(1e5)))',
  'nested calls in source': 'assert(loadstring("return " .. ("f("):rep(1e5)))',
  'setmetatable chains':
    'local t = {} for i = 1, 1e5 do t = setmetatable({}, {__index = t}) end return t.x',
  'concat of varargs': 'local function f(...) return f(..., ...) .. "x" end f("a", "b")',
})
