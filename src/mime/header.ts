// Lists of header fields. Every function returns a new list and leaves the fields themselves alone.
// Names are compared without regard to case (RFC 5322 §1.2.2).
import type { Field } from './field.ts'

/** In order of appearance. */
export function findFields(fields: readonly Field[], name: string): readonly Field[] {
  const key = name.toLowerCase()
  return fields.filter((field) => field.key === key)
}

export function removeFields(fields: readonly Field[], name: string): readonly Field[] {
  const key = name.toLowerCase()
  return fields.filter((field) => field.key !== key)
}

/** Puts `added` at the top, in their order. */
export function prependFields(fields: readonly Field[], added: readonly Field[]): readonly Field[] {
  return [...added, ...fields]
}

/** Puts `added` at the end of the header. */
export function appendFields(fields: readonly Field[], added: readonly Field[]): readonly Field[] {
  const last = fields.at(-1)
  if (!last || added.length === 0 || last.bytes.at(-1) === 10) return [...fields, ...added]
  // A message may end within its header; the next field needs a line of its own.
  const ended = { key: last.key, bytes: Buffer.concat([last.bytes, Buffer.from('\r\n')]) }
  return [...fields.slice(0, -1), ended, ...added]
}

/** Removes all fields called `name` and puts `added` at the end of the header. */
export function replaceFields(
  fields: readonly Field[],
  name: string,
  added: readonly Field[],
): readonly Field[] {
  return appendFields(removeFields(fields, name), added)
}

/** Puts `field` where the first of its name stands, in place of all of them; else at the end. */
export function placeField(fields: readonly Field[], field: Field): readonly Field[] {
  const at = fields.findIndex(({ key }) => key === field.key)
  if (at < 0) return appendFields(fields, [field])
  return fields.flatMap((present, i) =>
    i === at ? field : present.key === field.key ? [] : present,
  )
}
