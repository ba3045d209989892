// Lua snippets run by a real interpreter and by ours, many in one process, each result one line of text.
// The interpreter is Debian's lua5.1, or the one that LUA_REFERENCE names, such as a build of thrLua; then
// the snippets of its dialect are run too.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BUDGET, testHost } from '../host.ts'

const REFERENCE = process.env['LUA_REFERENCE'] ?? 'lua5.1'

/** What the interpreter says it is: "Lua 5.1", "thrLua 5.1", or nothing where it is not installed. */
export const REFERENCE_VERSION = spawnSync(REFERENCE, ['-'], {
  input: 'print(_VERSION)',
  encoding: 'utf8',
}).stdout?.trim()

export const IS_THRLUA = REFERENCE_VERSION === 'thrLua 5.1'

/** Results of the snippets in the real interpreter. */
export function byReference(snippets: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'reference-'))
  const file = join(folder, 'batch.lua')
  writeFileSync(file, batch(snippets), 'latin1')
  const { stdout, stderr, signal } = spawnSync(REFERENCE, [file], {
    encoding: 'latin1',
    maxBuffer: 2 ** 28,
    timeout: 20_000,
  })
  rmSync(folder, { recursive: true })
  if (signal !== null || stderr !== '') return [`${signal ?? ''} ${stderr}`]
  return stdout.split('\n').slice(0, -1).map(comparable)
}

/** Results of the snippets in our interpreter. */
export function byOurs(snippets: readonly string[]): string[] {
  const host = testHost({ budget: { ...BUDGET, cpuMs: 60_000, allocBytes: Infinity } })
  host.run(batch(snippets))
  return host.printed.map(comparable)
}

// Where the dialects differ on purpose: lua5.1 shows the sign of infinity and NaN, and 5.1.5 words a missing
// argument otherwise. thrLua names a random type in the error of its prefix `~`.
const comparable = (line: string): string =>
  IS_THRLUA
    ? line.replaceAll(/bitwise operation on a [^ ]*/g, 'bitwise operation on a')
    : line.replaceAll(/-(?=nan|inf)/g, '').replaceAll(/\w+ expected, got no value/g, 'no value')

function batch(snippets: readonly string[]): string {
  return `${PROGRAM_SUPPORT}${PREAMBLE}${snippets.map((source) => `run(${luaLiteral(source)})\n`).join('')}`
}

/** A byte string as a Lua literal of printable characters. */
export function luaLiteral(text: string): string {
  const escaped = text.replace(
    /[^ !#-[\]-~]/g,
    (character) => `\\${character.charCodeAt(0).toString().padStart(3, '0')}`,
  )
  return `"${escaped}"`
}

// What programs use: `emit` records values, and three objects have metamethods.
const PROGRAM_SUPPORT = `
function fresh(most)
  local T, n = {}, 0
  local function emit(...)
    n = n + select("#", ...)
    if n > (most or 200) then error("enough", 0) end
    for i = 1, select("#", ...) do
      local v = (select(i, ...))
      local k = type(v)
      if k == "table" or k == "function" or k == "thread" then v = k
      elseif k == "number" then v = v ~= v and "nan" or string.format("%.14g", v)
      else v = string.gsub(tostring(v), "0x%x+", "") end
      T[#T + 1] = v
    end
  end
  local M = { __tostring = function() return "OBJ" end }
  for i, name in ipairs({ "add", "sub", "mul", "div", "mod", "pow", "unm", "concat", "and", "or", "xor", "shl", "shr", "not", "len", "call", "index" }) do
    M["__" .. name] = function(a, b, c) emit(name, a, b, c) return i end
  end
  for _, name in ipairs({ "eq", "lt" }) do M["__" .. name] = function(a, b) emit(name, a, b) return 1 end end
  M.__newindex = function(t, k, v) emit("set", k, v) rawset(t, k, v) end
  M.__iter = function(t) return function(_, i) if i == nil then return 1, 2 end end, t, nil end
  local inherited = { x = 1, get = function(self, v) return v end }
  local OBJ = setmetatable({}, M)
  local PROXY = setmetatable({}, { __index = inherited, __le = M.__eq, __lt = M.__lt, __eq = M.__eq })
  local CALL = setmetatable({}, { __call = function(self, v) return v, self == v end, __concat = M.__concat })
  return emit, T, OBJ, PROXY, CALL
end
`

// Values as text: strings with every odd octet escaped, numbers in full, tables with sorted keys.
const PREAMBLE = `
nan, inf, negzero = 0/0, 1/0, 0 * tonumber("-1")
local byte, format, gsub, concat, sort = string.byte, string.format, string.gsub, table.concat, table.sort
local function escape(c) return format("\\\\%03d", byte(c)) end
local function show(v, depth)
  local kind = type(v)
  if kind == "string" then return '"' .. gsub(v, '[%c\\127-\\255"\\\\]', escape) .. '"' end
  if kind == "number" then return v ~= v and "nan" or format("%.17g", v) end
  if kind == "nil" or kind == "boolean" then return tostring(v) end
  if kind ~= "table" or depth == 0 then return kind end
  local fields, seen = {}, {}
  for key, value in pairs(v) do
    local text = show(key, depth - 1)
    if seen[text] then text = text .. "(twice)" end
    seen[text] = true
    fields[#fields + 1] = text .. "=" .. show(value, depth - 1)
  end
  sort(fields)
  return "{" .. concat(fields, ",") .. "}"
end
local function shown(...)
  local texts = {}
  for i = 1, select("#", ...) do texts[i] = show((select(i, ...)), 4) end
  return concat(texts, " ")
end
local function run(source)
  local chunk, message = loadstring(source, "=t")
  if not chunk then print("syntax " .. show(message, 0)) return end
  setfenv(chunk, setmetatable({}, { __index = _G }))
  print(shown(pcall(chunk)))
end
`
