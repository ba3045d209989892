// The header of a message or copy, as policy reads and edits it.
// Momentum manual page "lua.ref.header".
import type { HostResult } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'
import { decodeWords, encodeWords } from '../mime/encodedword.ts'
import { type Field, fieldValue, isFieldName, makeField } from '../mime/field.ts'
import { appendFields, findFields, prependFields, removeFields } from '../mime/header.ts'
import { declare } from './declaration.ts'
import type { MessageHandle } from './handle.ts'
import { any, asString, isTable, optional, string } from './parameter.ts'
import { MESSAGE_STAGES } from './stage.ts'

const method = declare<MessageHandle>()

export const HEADER_METHODS = [
  method(
    'msg:header',
    [string('name'), any('value'), optional(string('mode'), 'replace')],
    {
      result: 'string[] | boolean',
      tier: 1,
      stages: MESSAGE_STAGES,
      doc: 'the values of a header field, decoded; with a value sets it, "" or nil deletes; modes replace, append, prepend',
    },
    (msg, [name, value, mode], _, count) =>
      count < 2 ? readHeader(msg, name) : writeHeader(msg, name, value, mode),
  ),
]

/** All values of that name, in order; an empty table when there is none, never nil. */
function readHeader(msg: MessageHandle, name: string): HostResult {
  return findFields(msg.current.fields, name).map((field) => decodeWords(fieldValue(field)))
}

/** An empty or nil value deletes. Without a mode the new value replaces all of that name. */
function writeHeader(msg: MessageHandle, name: string, value: LuaValue, mode: string): boolean {
  if (!isFieldName(name)) throw new LuaCallError('msg:header: bad argument #1 (not a field name)')
  const made = headerValues(value).map((text) => makeField(name, encodeWords(text)))
  const fields = msg.current.fields
  if (made.length === 0 || mode === 'replace') {
    setFields(msg, appendFields(removeFields(fields, name), made))
  } else if (mode === 'append') setFields(msg, appendFields(fields, made))
  else if (mode === 'prepend') setFields(msg, prependFields(fields, made))
  else throw new LuaCallError(`msg:header: bad argument #3 (unknown mode '${mode}')`)
  return true
}

function headerValues(value: LuaValue): string[] {
  const listed = isTable(value) ? listOf(value) : [value]
  return listed
    .filter((item) => item !== undefined && item !== '')
    .map((item) => {
      const text = asString(item)
      if (text === undefined) {
        throw new LuaCallError('msg:header: bad argument #2 (string or table expected): value')
      }
      return text
    })
}

function listOf(table: LuaTable): LuaValue[] {
  return Array.from({ length: table.length() }, (_, i) => table.get(i + 1))
}

function setFields(msg: MessageHandle, fields: readonly Field[]): void {
  msg.current = { ...msg.current, fields }
}
