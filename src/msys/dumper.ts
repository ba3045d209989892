// `msys.dumper`: a value as Lua source, `return { "a", b="c" }`, for logs. Momentum manual page
// "lua.ref.msys.dumper.Dumper". The array part comes first, then keys in the order of their octets.
import { chargeTicks } from '../lua/budget.ts'
import { LuaCallError } from '../lua/error.ts'
import { numberToText } from '../lua/number.ts'
import { isHandle, type LuaTable, type LuaValue } from '../lua/value.ts'
import { declare } from './declaration.ts'
import { any, typeName } from './parameter.ts'

const fn = declare<undefined>()

const DEEPEST = 100
/** Octets: a table that holds others many times over would grow without end. */
const LONGEST = 2 ** 22

export const DUMPER_FUNCTIONS = [
  fn(
    'msys.dumper.Dumper',
    [any('value')],
    { result: 'string', tier: 1, doc: 'a value as Lua source, for logs' },
    (_, [value]) => `return ${dump(value, { outer: [], length: 0 })}`,
  ),
]

interface Dump {
  /** The tables around the present one. */
  readonly outer: LuaTable[]
  length: number
}

function dump(value: LuaValue, state: Dump): string {
  const text = isHandle(value, 'table') ? dumpTable(value, state) : dumpScalar(value)
  chargeTicks(1 + (text.length >> 4))
  state.length += text.length
  if (state.length > LONGEST) throw new LuaCallError('msys.dumper.Dumper: the value is too large')
  return text
}

function dumpTable(table: LuaTable, state: Dump): string {
  const { outer } = state
  if (outer.includes(table)) return '"<cycle>"'
  if (outer.length === DEEPEST) return '"<too deep>"'
  outer.push(table)
  const length = table.length()
  const items = Array.from({ length }, (_, i) => dump(table.get(i + 1), state))
  const rest = [...table.entries()].filter(([key]) => !isIndex(key, length))
  for (const [key, value] of rest.sort(([a], [b]) => compareKeys(a, b))) {
    items.push(`${dumpKey(key)}=${dump(value, state)}`)
  }
  outer.pop()
  return items.length === 0 ? '{ }' : `{ ${items.join(', ')} }`
}

function isIndex(key: LuaValue, length: number): boolean {
  return typeof key === 'number' && Number.isInteger(key) && key >= 1 && key <= length
}

/** Numbers before anything else. */
function compareKeys(a: LuaValue, b: LuaValue): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? -1 : 1
  const [one, other] = [dumpScalar(a), dumpScalar(b)]
  return one < other ? -1 : Number(one > other)
}

function dumpKey(key: LuaValue): string {
  const isName = typeof key === 'string' && /^[A-Za-z_]\w*$/.test(key) && !KEYWORDS.has(key)
  return isName ? key : `[${dumpScalar(key)}]`
}

const KEYWORDS = new Set(
  'and break do else elseif end false for function if in local nil not or repeat return then true until while'.split(
    ' ',
  ),
)

function dumpScalar(value: LuaValue): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return numberToText(value)
  if (value === undefined) return 'nil'
  return typeof value === 'boolean' ? String(value) : `"<${typeName(value)}>"`
}

function quote(text: string): string {
  return `"${text.replace(ESCAPED, (char) => ESCAPES[char] ?? decimal(char))}"`
}

/** Control characters, quote and backslash. */
const ESCAPED = /[^ !#-[\]-~\x80-\xff]/g

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function decimal(char: string): string {
  return `\\${String(char.charCodeAt(0)).padStart(3, '0')}`
}
