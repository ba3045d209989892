// What is said when an expectation fails: what was expected of what, and what there is instead. Values are
// shown as Lua would write them; of texts of several lines those that differ.
import { toText } from '../mail/bytes.ts'
import { isHandle, type LuaTable, type LuaValue } from '../lua/value.ts'
import { LuaCallError } from '../lua/error.ts'
import { differenceOf } from '../rehearsal/difference.ts'

const INDENT = '  '

export function complain(what: string, expected: string, got: string): never {
  throw new LuaCallError(`${what}\n${INDENT}expected: ${expected}\n${INDENT}got:      ${got}`)
}

/** Raises when two values differ; tables are compared by what is in them. */
export function expectEqual(got: LuaValue, expected: LuaValue, what: string): void {
  const [gotText, expectedText] = [luaText(got), luaText(expected)]
  if (gotText === expectedText) return
  if (!gotText.includes('\n') && !expectedText.includes('\n')) complain(what, expectedText, gotText)
  throw new LuaCallError(`${what} (- expected, + got)\n${lineDifference(expectedText, gotText)}`)
}

/** The value as a Lua expression; tables with their keys in order, an entry a line. */
export function luaText(value: LuaValue, indent = ''): string {
  if (typeof value === 'string') return quoted(value)
  if (isHandle(value, 'table')) return tableText(value, indent)
  if (value === undefined) return 'nil'
  return typeof value === 'object' ? ('kind' in value ? value.kind : 'table') : String(value)
}

/** A byte string in quotes, cut where it is very long. */
export function quoted(byteString: string): string {
  const text = JSON.stringify(toText(byteString))
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…"` : text
}

const LONGEST = 2000
const DEEPEST = 20

function tableText(table: LuaTable, indent: string): string {
  if (indent.length > DEEPEST * INDENT.length) return '{ … }'
  const inner = indent + INDENT
  const size = table.length()
  const list = Array.from({ length: size }, (_, i) => luaText(table.get(i + 1), inner))
  const named = [...table.entries()]
    .filter(
      ([key]) => !(typeof key === 'number' && Number.isInteger(key) && key > 0 && key <= size),
    )
    .map(([key, value]) => `${keyText(key)} = ${luaText(value, inner)}`)
    .sort()
  const entries = [...list, ...named]
  return entries.length === 0
    ? '{}'
    : `{\n${entries.map((entry) => `${inner}${entry},\n`).join('')}${indent}}`
}

function keyText(key: LuaValue): string {
  return typeof key === 'string' && /^[A-Za-z_]\w*$/.test(key) ? key : `[${luaText(key)}]`
}

function lineDifference(before: string, after: string): string {
  const difference = differenceOf(`${before}\n`, `${after}\n`)
  if (difference === 'too different') return `${INDENT}- ${before}\n${INDENT}+ ${after}`
  const hunks = difference.map(({ lines }) =>
    lines.map((line) => `${INDENT}${line.slice(0, 1)} ${line.slice(1)}`).join('\n'),
  )
  return hunks.join(`\n${INDENT}…\n`)
}
