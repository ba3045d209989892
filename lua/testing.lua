-- What a file of tests finds beside the functions of the host, which come as an argument: groups, tests and
-- hooks. A test without a function is pending; `it.only` leaves all others out, `it.skip` this one.

local host = ...

-- What a file of tests calls is two calls below it everywhere: errors and lines are found at level 3.
local function callable(fields, call)
  return setmetatable(fields, { __call = function(_, ...) call(...) end })
end

local function group(is_skipped)
  return function(name, body)
    if type(name) ~= "string" or type(body) ~= "function" then
      error("describe: a name and a function were expected", 3)
    end
    host.enter(name, is_skipped)
    body()
    host.leave()
  end
end

local function test(kind)
  return function(name, body)
    if type(name) ~= "string" or (body ~= nil and type(body) ~= "function") then
      error("it: a name and a function were expected", 3)
    end
    host.test(name, kind, debug.getinfo(3, "l").currentline, body)
  end
end

describe = callable({
  skip = function(...) group(true)(...) end,
}, group(false))

it = callable({
  skip = function(...) test("skip")(...) end,
  only = function(...) test("only")(...) end,
}, test("run"))

pending = function(name) test("run")(name) end

function before_each(body) host.hook("before", body) end
function after_each(body) host.hook("after", body) end
