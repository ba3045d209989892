// JSON from outside (header field, context variables), parsed within limits. Nesting is bounded before
// anything recursive sees it, so that a depth bomb is refused instead of overflowing the stack later.
import { isUtf8 } from 'node:buffer'
import { toBytes } from '../mail/bytes.ts'

export type JsonObject = Readonly<Record<string, unknown>>

const MAX_DEPTH = 64
const QUOTE = 34
const BACKSLASH = 92
const BRACKET = 91
const BRACE = 123
/** The closing one is so much further in ASCII. */
const CLOSING = 2

/** The value of a byte string of UTF-8 JSON; undefined when it is none, or nested too deeply. */
export function parseJson(byteString: string): unknown {
  const bytes = toBytes(byteString)
  if (!isUtf8(bytes)) return undefined
  const text = bytes.toString('utf8')
  if (depthOf(text) > MAX_DEPTH) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    // Not JSON is an expected answer here; the caller words the refusal.
    return undefined
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The strings of an array; what is no string (null, numbers, …) is left out. */
export function stringsOf(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string')
}

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let isString = false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (isString) {
      if (code === BACKSLASH) i++
      else if (code === QUOTE) isString = false
    } else if (code === QUOTE) isString = true
    else if (code === BRACE || code === BRACKET) deepest = Math.max(deepest, ++depth)
    else if (code === BRACE + CLOSING || code === BRACKET + CLOSING) depth--
  }
  return deepest
}
