// Prints JSON as json-c does: `{ "a": 1, "b": [ 2.500000 ] }`.
import { fixed } from './decode.ts'
import { type JsonHandle, type JsonValue } from './value.ts'

/** An object can be put into itself. */
const DEEPEST = 200

/** Throws RangeError for what is too deep, and what `spend` throws, which is told the octets. */
export function encodeJson(handle: JsonHandle, spend: (octets: number) => void): string {
  if (handle.shape === 'scalar') return print(handle.value, 0, spend)
  return print(handle, 0, spend)
}

function print(value: JsonValue, depth: number, spend: (octets: number) => void): string {
  if (typeof value === 'string') {
    spend(value.length)
    return quote(value)
  }
  spend(8)
  if (typeof value === 'number') return Number.isInteger(value) ? integer(value) : fixed(value)
  if (value === undefined) return 'null'
  if (typeof value === 'boolean') return String(value)
  if (value.kind === 'number') return value.text
  if (depth === DEEPEST) throw new RangeError('the value is nested too deeply')
  if (value.shape === 'array') {
    return enclose(
      '[',
      value.items.map((item) => print(item, depth + 1, spend)),
      ']',
    )
  }
  const members = Array.from(
    value.members,
    ([key, item]) => `${quote(key)}: ${print(item, depth + 1, spend)}`,
  )
  return enclose('{', members, '}')
}

function enclose(open: string, items: readonly string[], close: string): string {
  return items.length === 0 ? `${open} ${close}` : `${open} ${items.join(', ')} ${close}`
}

function integer(value: number): string {
  return Math.abs(value) < 1e21 ? (value === 0 ? '0' : String(value)) : BigInt(value).toString()
}

function quote(text: string): string {
  return `"${text.replace(ESCAPED, (char) => ESCAPES[char] ?? hex(char))}"`
}

/** Control characters, quote, backslash and, as json-c does, slash. */
const ESCAPED = /[^ !#-.0-[\]-\xff]/g

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '/': '\\/',
  '\b': '\\b',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function hex(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}
