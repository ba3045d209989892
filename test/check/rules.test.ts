// Each mistake that real policy makes is found at its line, and its correct twin is clean.
import { describe, expect, test } from 'vitest'
import type { RuleId } from '../../src/check/finding.ts'
import { checkTexts, markedLines } from './checked.ts'

interface Case {
  readonly title: string
  readonly rule: RuleId
  readonly wrong: string
  /** What it should have been. */
  readonly right: string
}

const each = (body: string) => `local mod = {}
function mod:validate_data_spool_each_rcpt(msg, accept, vctx)
${body}
  return msys.core.VALIDATE_CONT
end
msys.registerModule("main", mod)`

const CASES: readonly Case[] = [
  {
    title: 'a global of another script library',
    rule: 'undefined-global',
    wrong: each('  print(chomp(msg:rcptto())) -- HERE'),
    right: `local function chomp(text) return text end\n${each('  print(chomp(msg:rcptto()))')}`,
  },
  {
    title: 'trim, which Momentum does not document',
    rule: 'undefined-global',
    wrong: each('  print(trim(msg:rcptto())) -- HERE'),
    right: `local function trim(text) return text end\n${each('  print(trim(msg:rcptto()))')}`,
  },
  {
    title: 'nill',
    rule: 'undefined-global',
    wrong: each('  if string.find(msg:rcptto(), "x") ~= nill then return 1 end -- HERE'),
    right: each('  if string.find(msg:rcptto(), "x") ~= nil then return 1 end'),
  },
  {
    title: 'msys.audit.connection',
    rule: 'missing',
    wrong: each('  print(msys.audit.connection("60,1")) -- HERE'),
    right: each('  print(msg:rcptto())'),
  },
  {
    title: 'a count compared with the text of a macro',
    rule: 'number-text',
    wrong: each(`  local limit = msys.expandMacro("%{vctx_conn:limit}")
  if msys.audit.connection("60,1") > limit then return 1 end -- HERE
  if msg:get_message_size() > limit then return 1 end -- HERE`),
    right: each(`  local limit = tonumber(msys.expandMacro("%{vctx_conn:limit}"))
  if msg:get_message_size() > limit then return 1 end`),
  },
  {
    title: 'a context variable compared with a number',
    rule: 'number-text',
    wrong: each('  if vctx:get(msys.core.VCTX_CONN, "tls") == 1 then return 1 end -- HERE'),
    right: each('  if vctx:get(msys.core.VCTX_CONN, "tls") == "1" then return 1 end'),
  },
  {
    title: 'globals for the objects of a callout',
    rule: 'undefined-global',
    wrong: `local mod = {}
local function line() return tostring(msg.id) end -- HERE
function mod:validate_data(msg, ac, vctx)
  print(line())
  return msys.core.VALIDATE_CONT
end
msys.registerModule("main", mod)`,
    right: `local mod = {}
local function line(msg) return tostring(msg.id) end
function mod:validate_data(msg, ac, vctx)
  print(line(msg))
  return msys.core.VALIDATE_CONT
end
msys.registerModule("main", mod)`,
  },
  {
    title: 'a parameter of another name',
    rule: 'undefined-global',
    wrong: `module("limits", package.seeall)
function count(key)
  print(tostring(ac)) -- HERE
end`,
    right: `module("limits", package.seeall)
function count(ac)
  print(tostring(ac))
end`,
  },
  {
    title: 'io:write on the library',
    rule: 'wrong-call',
    wrong: each('  io:write("x") -- HERE'),
    right: each('  io.write("x")'),
  },
  {
    title: 'the literal "path"',
    rule: 'literal-parameter',
    wrong: each('  print(msys.core.io_wrapper_open("path", msys.core.O_APPEND, 0660)) -- HERE'),
    right: each('  print(msys.core.io_wrapper_open("/x", msys.core.O_APPEND, 0660))'),
  },
  {
    title: 'self.limit where self.limits is set',
    rule: 'unset-field',
    wrong: `local mod = {}
local function set(self) self.limits = {} end
function mod:validate_connect(ac, vctx)
  set(self)
  if self.limit then return msys.core.VALIDATE_DONE end -- HERE
  self.limit = nil
  return msys.core.VALIDATE_CONT
end
msys.registerModule("main", mod)`,
    right: `local mod = {}
local function set(self) self.limits = {} end
function mod:validate_connect(ac, vctx)
  set(self)
  if self.limits then return msys.core.VALIDATE_DONE end
  self.limits = nil
  return msys.core.VALIDATE_CONT
end
msys.registerModule("main", mod)`,
  },
  {
    title: 'the output of the Dumper taken apart',
    rule: 'dumped-text',
    wrong: each(`  local id = msys.dumper.Dumper(msg:header("Message-ID")[1])
  local parts = msys.pcre.split(id, "@") -- HERE`),
    right: each(`  local id = msg:header("Message-ID")[1]
  print(msys.dumper.Dumper(id), #msys.pcre.split(msys.dumper.Dumper(id), "\\\\n"))
  local parts = id and msys.pcre.split(id, "@")`),
  },
  {
    title: 'a character class that came through a wiki',
    rule: 'copied-text',
    wrong: each('  print(msys.pcre.match(msg:rcptto(), "([Lua Examples^@]+)@")) -- HERE'),
    right: each('  print(msys.pcre.match(msg:rcptto(), "([^@]+)@"))'),
  },
  {
    title: 'a no-break space in a header name',
    rule: 'copied-text',
    wrong: each('  print(#msg:header("X-\u00a0Group")) -- HERE'),
    right: each('  print(#msg:header("X-Group"))'),
  },
  {
    title: 'a callout that assigns a global',
    rule: 'global-write',
    wrong: each('  domain = string.match(msg:rcptto(), "@(.*)$") -- HERE'),
    right: `count = 0\n${each('  local domain = string.match(msg:rcptto(), "@(.*)$")')}`,
  },
  {
    title: 'a helper that assigns globals',
    rule: 'global-write',
    wrong: `local function explode(p, d)
  t = {} -- HERE
  l = 0 -- HERE
  return t
end
${each('  print(#explode(",", msg:rcptto()))')}`,
    right: `local function explode(p, d)
  local t, l = {}, 0
  return t
end
local cache
local mod = {}
function mod:init() table_of_all = explode(",", "") return true end
function mod:validate_data(msg, ac, vctx) return msys.core.VALIDATE_CONT end
msys.registerModule("main", mod)`,
  },
  {
    title: 'dictionaries by each other’s names',
    rule: 'swapped-constant',
    wrong: `local core = require("msys.core")
local MSG_CTX = core.ECMESS_CTX_CONN -- HERE
local CONN_CTX = core.ECMESS_CTX_MESS -- HERE
${each('  print(msg:context_get(MSG_CTX, "a"), msg:context_get(CONN_CTX, "a"))')}`,
    right: `local core = require("msys.core")
local MSG_CTX = core.ECMESS_CTX_MESS
local CONN_CTX = core.ECMESS_CTX_CONN
${each('  print(msg:context_get(MSG_CTX, "a"), msg:context_get(CONN_CTX, "a"))')}`,
  },
  {
    title: 'a method called with a dot',
    rule: 'wrong-call',
    wrong: each('  print(msg.rcptto()) -- HERE'),
    right: each('  print(msg.rcptto(msg), msg:rcptto())'),
  },
  {
    title: 'a method of another name',
    rule: 'missing',
    wrong: each('  print(msg:get_header("X"), vctx:setcode(550, "no")) -- HERE'),
    right: each('  print(#msg:header("X"))\n  vctx:set_code(550, "no")'),
  },
  {
    title: 'a constant of another name',
    rule: 'missing',
    wrong: `local core = msys.core\n${each('  if core.VALIDATE_CONTINUE then return 0 end -- HERE')}`,
    right: `local core = msys.core\n${each('  if core.VALIDATE_CONT == 0 then return 0 end')}`,
  },
  {
    title: 'too few and too many arguments',
    rule: 'arity',
    wrong: each(`  msg:context_set(msys.core.VCTX_MESS, "a", "b", "c") -- HERE
  vctx:set_code() -- HERE`),
    right: each(`  msg:context_set(msys.core.VCTX_MESS, "a", "b")
  vctx:set_code(unpack({ 550, "no" }))`),
  },
  {
    title: 'what a callout does not allow',
    rule: 'wrong-phase',
    wrong: `local mod = {}
local function group(msg) return msg:binding_group("x") end -- HERE
function mod:validate_rcptto(msg, str, ac, vctx)
  print(#msg:header("X")) -- HERE
  print(pcall(function() return msg:body() end)) -- HERE
  group(msg)
  return msys.core.VALIDATE_CONT
end
msys.registerModule("main", mod)`,
    right: `local mod = {}
local function group(msg) return msg:binding_group("x") end
function mod:validate_data(msg, ac, vctx)
  print(#msg:header("X"))
  print(pcall(function() return msg:body() end))
  return msys.core.VALIDATE_CONT
end
function mod:validate_set_binding(msg)
  group(msg)
  return msys.core.VALIDATE_CONT
end
msys.registerModule("main", mod)`,
  },
  {
    title: 'callouts that do not exist',
    rule: 'unknown-callout',
    wrong: `local mod = {}
function mod:validate_data_spool_eachrcpt(msg, ac, vctx) return 0 end -- HERE
function mod:core_final_vaildation(msg, ac, vctx) end -- HERE
function mod:validate_data(msg, ac, vctx) return 0 end
msys.registerModule("main", mod)`,
    right: `local mod = {}
function mod:validate_data_spool_each_rcpt(msg, ac, vctx) return self:validate_domain(msg) end
function mod:core_final_validation(msg, ac, vctx) end
function mod:validate_domain(msg) return #msg:header("X") end
function mod:helper() end
msys.registerModule("main", mod)`,
  },
  {
    title: 'callouts of a table that is not registered',
    rule: 'never-registered',
    wrong: `local mod = {}
function mod:validate_data(msg, ac, vctx) return 0 end -- HERE`,
    right: `local mod = {}
function mod:validate_data(msg, ac, vctx) return 0 end
msys.registerModule("main", mod)`,
  },
  {
    title: 'parameters that a callout does not get',
    rule: 'callout-parameters',
    wrong: `local mod = {}
function mod:validate_set_binding(msg, accept, vctx) -- HERE
  vctx:set_code(550, "no")
  return 0
end
function mod.validate_data(msg, ac, vctx) -- HERE
  return 0
end
msys.registerModule("main", mod)`,
    right: `local mod = {}
function mod:validate_set_binding(msg, accept, vctx)
  return 0
end
function mod.validate_data(self, msg, ac, vctx)
  return 0
end
msys.registerModule("main", mod)`,
  },
  {
    title: 'a callout without a result on some way',
    rule: 'callout-result',
    wrong: `local mod = {}
function mod:validate_data(msg, ac, vctx)
  if msg:rcptto() == "a" then return msys.core.VALIDATE_DONE end
end -- HERE
msys.registerModule("main", mod)`,
    right: `local mod = {}
function mod:validate_data(msg, ac, vctx)
  if msg:rcptto() == "a" then return msys.core.VALIDATE_DONE else return 0 end
end
msys.registerModule("main", mod)`,
  },
  {
    title: 'init without true',
    rule: 'init-result',
    wrong: `local mod = {}
function mod:init() print("x") end -- HERE
function mod:validate_data(msg, ac, vctx) return 0 end
msys.registerModule("main", mod)`,
    right: `local mod = {}
function mod:init() print("x") return true end
function mod:validate_data(msg, ac, vctx) return 0 end
msys.registerModule("main", mod)`,
  },
  {
    title: 'octal numbers',
    rule: 'octal-number',
    wrong: each('  vctx:tarpit(010) -- HERE'),
    right: each('  print(msys.core.io_wrapper_open("/x", 0, 0660))\n  vctx:tarpit(07)'),
  },
  {
    title: 'octal texts',
    rule: 'octal-text',
    wrong: each(`  local hour = os.date("%H")
  print(tonumber(hour) * 60) -- HERE
  print(tonumber("08")) -- HERE
  print(os.date("%M") + 1) -- HERE`),
    right: each(`  local hour = os.date("*t").hour
  print(hour * 60, tonumber("8"), tonumber(os.date("%Y")))`),
  },
  {
    title: '"" taken for nothing',
    rule: 'always-true',
    wrong: each(`  if msg:context_get(msys.core.VCTX_MESS, "a") then return 1 end -- HERE
  local sender = msg:mailfrom()
  if not sender then return 1 end -- HERE
  if vctx:exists(msys.core.VCTX_CONN, "a") then return 1 end -- HERE
  if msg:header("X-A") then return 1 end -- HERE`),
    right: each(`  if msg:context_get(msys.core.VCTX_MESS, "a") ~= "" then return 1 end
  local sender = msg:mailfrom()
  if sender and sender ~= "" then return 1 end
  if vctx:exists(msys.core.VCTX_CONN, "a") == 1 then return 1 end
  if msg:header("X-A")[1] then return 1 end`),
  },
  {
    title: 'nil expected where "" comes',
    rule: 'never-nil',
    wrong: each(`  local binding = msg:context_get(msys.core.VCTX_MESS, "binding")
  if binding ~= nil then return 1 end -- HERE`),
    right: each(`  local binding = msg:header("X-Binding")[1]
  if binding ~= nil then return 1 end`),
  },
  {
    title: 'a result that may be nil',
    rule: 'maybe-nil',
    wrong: each(`  print(string.lower(msg:header("X")[1])) -- HERE
  print("x" .. msys.pcre.match(msg:rcptto(), "@(.*)")[1]) -- HERE`),
    right: each(`  local found = msys.pcre.match(msg:rcptto(), "@(.*)")
  if found then print("x" .. found[1]) end
  print(msys.core.accept_construct_get_message_construct(accept).message:rcptto())
  print(tostring(msg:header("X")[1]), (msg:header("X")[1] or "") .. "y")`),
  },
  {
    title: 'what is not there yet, and what never comes',
    rule: 'stub',
    wrong: each('  print(msys.av.scan(msg)) -- HERE'),
    right: each('  print(msg.id)'),
  },
  {
    title: 'what scripts may not do',
    rule: 'missing',
    wrong: each('  os.execute("rm x") -- HERE\n  print(string.trim("x")) -- HERE'),
    right: `function string.trim(s) return s end\n${each('  print(string.trim("x"), os.time())')}`,
  },
  {
    title: 'names made at run time',
    rule: 'unknown',
    wrong: each(`  local name = "pcre"
  print(msys[name .. "x"]) -- HERE
  print(msg[name]) -- HERE`),
    right: each('  print(msys["pcre"].match(msg:rcptto(), "x"))'),
  },
  {
    title: 'a module that is not there',
    rule: 'missing-module',
    wrong: `local ok, posix = pcall(require, "posix")  -- HERE
require("lib.str") -- HERE`,
    right: `local ok, pcre = pcall(require, "msys.pcre")
require("msys.extended.message")
require("string")`,
  },
  {
    title: 'copied text that is no Lua',
    rule: 'syntax',
    wrong: 'local a = 1\nprint(\u201chello\u201d) -- HERE',
    right: 'local a = 1\nprint("hello")',
  },
]

describe.each(CASES)('$title', ({ rule, wrong, right }) => {
  test(`is found by ${rule}`, () => {
    const lines = checkTexts({ main: wrong }).findings.filter((one) => one.rule === rule)
    expect([...new Set(lines.map(({ line }) => line))]).toEqual(markedLines(wrong))
  })

  test('and its correct twin has nothing of it', () => {
    const { findings } = checkTexts({ main: right })
    const pending = /not implemented yet/
    expect(findings.filter(({ message }) => !pending.test(message))).toEqual([])
  })
})

test('a finding says where it is to the column, in characters', () => {
  const { findings } = checkTexts({ main: '--[[ é ]] print("é", msys.nope)' })
  expect(findings).toMatchObject([
    { file: 'main.lua', line: 1, column: 27, level: 'error', rule: 'missing', name: 'msys.nope' },
  ])
})

test('aliases, required modules and scripts are followed', () => {
  const { findings, uses } = checkTexts(
    { main: 'local m = require "lib.mail"\nlocal core = m.core\nprint(core.NOPE, m.gone, m.take)' },
    {
      'lib.mail':
        'local m = {}\nm.core = require("msys.core")\nfunction m.take(msg) return msg:header("X") end\nreturn m',
    },
  )
  expect(findings.map(({ line, column, name }) => [line, column, name])).toEqual([
    [3, 12, 'msys.core.NOPE'],
    [3, 20, 'lib.mail.lua.gone'],
  ])
  expect(uses.map(({ file, name, support }) => [file, name, support])).toContainEqual([
    'lib.mail.lua',
    'msg:header',
    'partial',
  ])
})

test('readiness is the share of names that work', () => {
  const script = each('  print(msg:rcptto(), msys.av.scan(msg))')
  expect(checkTexts({ main: script }).summary).toMatchObject({
    files: 1,
    names: { supported: 4, partial: 0, stub: 1, missing: 0, unknown: 0 },
    readiness: 80,
  })
})

test.each([
  ['operators', `x = 1${' + 1'.repeat(900)}`, 0],
  ['more operators', `x = 1${' + 1'.repeat(50_000)}`, 1],
  ['fields', `x = a${'.a'.repeat(50_000)}`, 1],
  ['calls', `x = f${'()'.repeat(50_000)}`, 1],
  ['blocks', `${'do '.repeat(190)}x = 1${' end'.repeat(190)}`, 0],
  ['tables', `x = ${'{'.repeat(190)}${'}'.repeat(190)}`, 0],
  ['parentheses', `x = ${'('.repeat(5000)}1${')'.repeat(5000)}`, 1],
  ['octets', '\u00fe\u00ff\u0000\u0001', 1],
  ['nothing', '', 0],
])('any script is read or refused: %s', (_, script, count) => {
  const { findings } = checkTexts({ main: script })
  expect(findings.filter(({ rule }) => rule === 'syntax')).toHaveLength(count)
})
