-- require "strict": reading or assigning a global that no main chunk has assigned raises. As in Momentum it
-- sits on top of the metatable of _G, which serves _TLS and _OSTLS.

local meta = getmetatable(_G) or {}
setmetatable(_G, meta)

-- Loaded again, it must not end up below itself.
if not meta.__strict then
  meta.__strict = { index = meta.__index, newindex = meta.__newindex }
end
local below = meta.__strict
local exempt = { _TLS = true, _OSTLS = true }
local declared = {}

-- "main", "Lua" or "C": what touches the global.
local function accessor()
  local info = debug.getinfo(3, "S")
  return info and info.what or "C"
end

function meta.__newindex(globals, name, value)
  if not declared[name] and not exempt[name] then
    if accessor() == "Lua" then
      error("assign to undeclared variable '" .. tostring(name) .. "'", 2)
    end
    declared[name] = true
  end
  if below.newindex then below.newindex(globals, name, value) else rawset(globals, name, value) end
end

function meta.__index(globals, name)
  if not declared[name] and not exempt[name] and accessor() ~= "C" then
    error("variable '" .. tostring(name) .. "' is not declared", 2)
  end
  return below.index and below.index(globals, name)
end
