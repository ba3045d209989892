-- What is simplest in Lua itself: the module system of Lua 5.1 and the table functions that call back.
-- Runs once per state with the host's part of it as arguments; callbacks may suspend here.

local search, path, load_file = ...

local loaded, preload = {}, {}
local UNFINISHED = newproxy()

package = { loaded = loaded, preload = preload, path = path, cpath = "", config = "/\n;\n?\n!\n-" }

package.loaders = {
  function(name)
    if type(package.preload) ~= "table" then error("'package.preload' must be a table", 0) end
    local found = package.preload[name]
    if found == nil then return "\n\tno field package.preload['" .. name .. "']" end
    return found
  end,
  search,
}

function package.loadlib()
  error("package.loadlib is not available: scripts may not do this", 2)
end

local function check(name, value, wanted)
  if type(value) ~= wanted then
    error(("bad argument #1 to '%s' (%s expected, got %s)"):format(name, wanted, type(value)), 3)
  end
end

function package.seeall(module)
  check("seeall", module, "table")
  local meta = getmetatable(module)
  if not meta then
    meta = {}
    setmetatable(module, meta)
  end
  meta.__index = _G
end

local function find_loader(name)
  if type(package.loaders) ~= "table" then return nil, "'package.loaders' must be a table" end
  local tried = ""
  for _, find in ipairs(package.loaders) do
    local found = find(name)
    if type(found) == "function" then return found end
    if type(found) == "string" then tried = tried .. found end
  end
  return nil, "module '" .. name .. "' not found:" .. tried
end

-- Returns the module, or nothing and what is wrong.
local function load_module(name)
  local known = loaded[name]
  if known == UNFINISHED then
    return nil, "loop or previous error loading module '" .. name .. "'"
  end
  if known then return known end
  local loader, problem = find_loader(name)
  if not loader then return nil, problem end
  loaded[name] = UNFINISHED
  local result = loader(name)
  if result ~= nil then loaded[name] = result end
  if loaded[name] == UNFINISHED then loaded[name] = true end
  return loaded[name]
end

-- A module that waits while it is loaded (for a query, say) is not to be seen half by another call.
local loading = thread.mutex(thread.MUTEX_RECURSIVE)

function require(name)
  if type(name) == "number" then name = tostring(name) end
  check("require", name, "string")
  local known = loaded[name]
  if known and known ~= UNFINISHED then return known end
  loading:lock()
  local ok, result, problem = pcall(load_module, name)
  loading:unlock()
  if not ok then error(result, 0) end
  if problem then error(problem, 2) end
  return result
end

loadfile = load_file

function dofile(name)
  local chunk, problem = load_file(name)
  if not chunk then error(problem, 0) end
  return chunk()
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
  if found._NAME == nil then
    found._M = found
    found._NAME = name
    found._PACKAGE = name:match("^(.*%.)[^.]*$") or ""
  end
  if debug.getinfo(2, "S").what == "C" then error("'module' not called from a Lua function", 2) end
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

loaded._G = _G
for _, name in ipairs({ "string", "table", "math", "coroutine", "os", "io", "debug", "package", "thread", "buffer" }) do
  loaded[name] = _G[name]
end
