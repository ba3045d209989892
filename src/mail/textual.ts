// Byte strings in plain data made text: wherever they are in it, keys of records too.
import { toText } from './bytes.ts'

/** The same with every string decoded as UTF-8. Text that holds no octets above 0x7F stays as it is. */
export function textual<T>(value: T): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing but strings changes
  return decode(value) as T
}

function decode(value: unknown): unknown {
  if (typeof value === 'string') return toText(value)
  if (Array.isArray(value)) return value.map(decode)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [toText(key), decode(one)]))
}
