// Header fields as policy reads and writes them, of a message or of a part.
// Momentum manual pages "lua.ref.header", "lua.ref.msgpart_header", "lua.ref.msg_address_header".
import { LuaCallError } from '../lua/error.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'
import { parseAddresses } from '../mime/addresslist.ts'
import { decodeWords, encodeWords } from '../mime/encodedword.ts'
import { type Field, fieldValue, isFieldName, makeField, oneLine } from '../mime/field.ts'
import { appendFields, findFields, prependFields, replaceFields } from '../mime/header.ts'
import type { AddressComponent } from './addresscomponent.ts'
import { asString, isTable } from './parameter.ts'

/** All values of that name, decoded, in order; none gives an empty list, never nil. */
export function readHeader(fields: readonly Field[], name: string): string[] {
  return findFields(fields, name).map((field) => decodeWords(fieldValue(field)))
}

/** The addresses in all fields of that name. */
export function readAddresses(
  fields: readonly Field[],
  name: string,
  component: AddressComponent,
): string[] {
  return findFields(fields, name).flatMap((field) =>
    parseAddresses(fieldValue(field)).map(({ address }) => component(address)),
  )
}

/**
 * The fields with `value` written under `name`: one field for each value of a table. An empty value, nil or
 * an empty table deletes. `caller` is named in errors.
 */
export function writeHeader(
  caller: string,
  fields: readonly Field[],
  name: string,
  value: LuaValue,
  mode: string,
): readonly Field[] {
  if (!isFieldName(name)) throw new LuaCallError(`${caller}: bad argument #1 (not a field name)`)
  const made = headerValues(caller, value).map((text) =>
    makeField(name, encodeWords(oneLine(text))),
  )
  if (mode === 'replace' || made.length === 0) return replaceFields(fields, name, made)
  if (mode === 'append') return appendFields(fields, made)
  if (mode === 'prepend') return prependFields(fields, made)
  throw new LuaCallError(`${caller}: bad argument #3 (unknown mode '${mode}')`)
}

function headerValues(caller: string, value: LuaValue): string[] {
  const listed = isTable(value) ? listOf(value) : [value]
  return listed
    .filter((item) => item !== undefined && item !== '')
    .map((item) => {
      const text = asString(item)
      if (text === undefined) {
        throw new LuaCallError(`${caller}: bad argument #2 (string or table expected): value`)
      }
      return text
    })
}

function listOf(table: LuaTable): LuaValue[] {
  return Array.from({ length: table.length() }, (_, i) => table.get(i + 1))
}
