-- The benchmarks of interpreter.ts: one source for all engines, so 5.1 and 5.3 alike. Each entry is a
-- name and a function that does the whole work once.
local benchmarks = {}

local function bench(name, work)
  benchmarks[#benchmarks + 1] = { name, work }
end

bench("fib(25)", function()
  local function fib(n)
    if n < 2 then return n end
    return fib(n - 1) + fib(n - 2)
  end
  return fib(25)
end)

bench("arithmetic 1M", function()
  local x, y = 0, 1.5
  for i = 1, 1000000 do
    x = x + i * 2 - y
    if x > 1e9 then x = x - 1e9 end
  end
  return x
end)

bench("concat 20k", function()
  local size = 0
  for i = 1, 20000 do
    local line = "user" .. i .. "@" .. "example.com"
    size = size + #line
  end
  return size
end)

bench("table.concat 20k", function()
  local parts = {}
  for i = 1, 20000 do parts[#parts + 1] = "line " .. i end
  return #table.concat(parts, "\r\n")
end)

local page = string.rep("The quick brown fox jumps over the lazy dog. ", 46)

bench("gsub x200 (2 KB)", function()
  local last
  for _ = 1, 200 do last = string.gsub(page, "fox", "cat") end
  return #last
end)

bench("gsub function x100", function()
  local count = 0
  for _ = 1, 100 do
    string.gsub(page, "%a+", function(word) count = count + #word end)
  end
  return count
end)

bench("find plain 5k", function()
  local at = 0
  for _ = 1, 5000 do at = at + (string.find(page, "lazy cat", 1, true) or 0) end
  return at
end)

bench("match 5k", function()
  local n = 0
  for _ = 1, 5000 do
    local user, domain = string.match("John.Doe@mail.example.com", "^(.-)@([%w.]+)$")
    n = n + #user + #domain
  end
  return n
end)

bench("format/lower 5k", function()
  local n = 0
  for i = 1, 5000 do
    n = n + #string.format("%s-%d-%05.2f", "Key", i, i / 3) + #string.lower("User@Example.COM")
  end
  return n
end)

bench("t['k'..i] 50k", function()
  local t = {}
  for i = 1, 50000 do
    local key = "k" .. (i % 1000)
    t[key] = (t[key] or 0) + 1
  end
  return t.k1
end)

bench("t[i] 100k", function()
  local t, sum = {}, 0
  for i = 1, 100000 do t[i] = i end
  for i = 1, 100000 do sum = sum + t[i] end
  return sum
end)

bench("fields 200k", function()
  local p = { x = 1, y = 2, z = 0 }
  for i = 1, 200000 do p.z = p.x + p.y + p.z end
  return p.z
end)

bench("ipairs+pairs 20k", function()
  local t, sum = {}, 0
  for i = 1, 20000 do t[i] = i end
  for _, v in ipairs(t) do sum = sum + v end
  for _, v in pairs(t) do sum = sum + v end
  return sum
end)

bench("closures 50k", function()
  local sum = 0
  local function adder(n) return function(x) return x + n end end
  for i = 1, 50000 do sum = sum + adder(i)(1) end
  return sum
end)

bench("methods 100k", function()
  local Counter = {}
  Counter.__index = Counter
  function Counter:add(n) self.n = self.n + n end
  local c = setmetatable({ n = 0 }, Counter)
  for i = 1, 100000 do c:add(i) end
  return c.n
end)

bench("sort 5k", function()
  local t, seed = {}, 42
  for i = 1, 5000 do
    seed = (seed * 16807) % 2147483647
    t[i] = seed
  end
  table.sort(t)
  return t[1]
end)

bench("pcall 50k", function()
  local n = 0
  local function step(x) return x + 1 end
  for _ = 1, 50000 do
    local ok, value = pcall(step, n)
    if ok then n = value end
  end
  return n
end)

return benchmarks
