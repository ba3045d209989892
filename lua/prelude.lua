-- What is simplest in Lua itself: the module system of Lua 5.1 and the table functions that call back.
-- Runs once per state with the host's part of it as arguments; callbacks may suspend here.

local search = ...

local loaded, preload = {}, {}
local UNFINISHED = newproxy()

package = { loaded = loaded, preload = preload, path = "", cpath = "", config = "/\n;\n?\n!\n-" }

package.loaders = {
  function(name)
    return preload[name] or "\n\tno field package.preload['" .. name .. "']"
  end,
  search,
}

function package.loadlib()
  error("package.loadlib is not available: scripts may not do this", 2)
end

function package.seeall(module)
  local meta = getmetatable(module)
  if not meta then
    meta = {}
    setmetatable(module, meta)
  end
  meta.__index = _G
end

local function check(name, value, wanted)
  if type(value) ~= wanted then
    error(("bad argument #1 to '%s' (%s expected, got %s)"):format(name, wanted, type(value)), 3)
  end
end

function require(name)
  if type(name) == "number" then name = tostring(name) end
  check("require", name, "string")
  local known = loaded[name]
  if known == UNFINISHED then
    error("loop or previous error loading module '" .. name .. "'", 2)
  end
  if known then return known end
  local loader, tried = nil, ""
  for _, find in ipairs(package.loaders) do
    local found = find(name)
    if type(found) == "function" then
      loader = found
      break
    end
    if type(found) == "string" then tried = tried .. found end
  end
  if not loader then error("module '" .. name .. "' not found:" .. tried, 2) end
  loaded[name] = UNFINISHED
  local result = loader(name)
  if result ~= nil then loaded[name] = result end
  if loaded[name] == UNFINISHED then loaded[name] = true end
  return loaded[name]
end

-- The table that a dotted name means, made where it is missing; nil when something else is in its way.
local function table_at(name)
  local at = _G
  for step in name:gmatch("[^.]+") do
    local below = rawget(at, step)
    if below == nil then
      below = {}
      rawset(at, step, below)
    elseif type(below) ~= "table" then
      return nil
    end
    at = below
  end
  return at
end

function module(name, ...)
  check("module", name, "string")
  local found = loaded[name]
  if type(found) ~= "table" then
    found = table_at(name)
    if not found then error("name conflict for module '" .. name .. "'", 2) end
    loaded[name] = found
  end
  if rawget(found, "_NAME") == nil then
    found._M = found
    found._NAME = name
    found._PACKAGE = name:match("^(.*%.)[^.]*$") or ""
  end
  setfenv(2, found)
  for _, option in ipairs({ ... }) do option(found) end
end

function table.foreach(t, call)
  check("foreach", t, "table")
  for key, value in next, t do
    local result = call(key, value)
    if result ~= nil then return result end
  end
end

function table.foreachi(t, call)
  check("foreachi", t, "table")
  for index = 1, #t do
    local result = call(index, t[index])
    if result ~= nil then return result end
  end
end

function table.getn(t)
  check("getn", t, "table")
  return #t
end

function table.setn()
  error("'setn' is obsolete", 2)
end

function table.maxn(t)
  check("maxn", t, "table")
  local highest = 0
  for key in next, t do
    if type(key) == "number" and key > highest then highest = key end
  end
  return highest
end

loaded._G = _G
for _, name in ipairs({ "string", "table", "math", "coroutine", "os", "io", "debug", "package" }) do
  loaded[name] = _G[name]
end
