// The tables that policy gives to msg:build, read. Momentum manual page "lua.ref.msg_build".
import { LuaCallError } from '../lua/error.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'
import type { Alternative, Attachment, Composition } from '../mime/compose.ts'
import { rawOf } from './content.ts'
import { assertAlive, type MessageHandle } from './handle.ts'
import { type IoObject, octets } from './ioobject.ts'
import { asObject, asString, isTable } from './parameter.ts'

const NAME = 'msg:build'

/** Name and value of each header field; a table of values makes several fields. */
export function headersIn(table: LuaTable): Composition['headers'] {
  return [...table.entries()].flatMap(([key, value]) => {
    const name = asString(key) ?? fail('headers', 'names are strings')
    const values = isTable(value) ? [...value.entries()].map(([, item]) => item) : [value]
    return values.map((item): [string, string] => [
      name,
      textIn(item) ?? fail('headers', `the value of ${name} is no string`),
    ])
  })
}

/** Content by Content-Type. */
export function alternativesIn(table: LuaTable | undefined): readonly Alternative[] {
  return [...(table?.entries() ?? [])].map(([key, value]) => ({
    type: asString(key) ?? fail('parts', 'content types are strings'),
    content: textIn(value) ?? fail('parts', 'a content is no string'),
  }))
}

/** An array of tables with type, name, headers and content. */
export function attachmentsIn(table: LuaTable | undefined): readonly Attachment[] {
  return [...(table?.entries() ?? [])].map(([, value]) => {
    if (!isTable(value)) return fail('attachments', 'each is a table')
    const content = value.get('content')
    const message = asObject<MessageHandle>(content, 'message')
    if (message) {
      assertAlive(message)
      return { kind: 'message', bytes: rawOf(message) }
    }
    return {
      kind: 'file',
      type: textIn(value.get('type')) ?? 'application/octet-stream',
      name: textIn(value.get('name')) ?? fail('attachments', 'each has a name'),
      headers: textIn(value.get('headers')) ?? '',
      content: textIn(content) ?? fail('attachments', 'each has a content'),
      isBase64: asObject<IoObject>(content, 'io_object') !== undefined,
    }
  })
}

function textIn(value: LuaValue): string | undefined {
  return octets('').read(value)
}

function fail(argument: string, why: string): never {
  throw new LuaCallError(`${NAME}: bad argument (${why}): ${argument}`)
}
