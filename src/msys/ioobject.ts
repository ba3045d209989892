// io_object: octets that policy reads or writes piece by piece. Momentum: "structs-io-object".
import { later } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import type { WritableFile } from '../outside/outside.ts'
import { declare } from './declaration.ts'
import { type EcString } from './ecstring.ts'
import type { ApiObject } from './handle.ts'
import { asObject, asString, number, optional, type Parameter } from './parameter.ts'
import type { ClassShape } from './shape.ts'

export interface IoObject extends ApiObject {
  readonly kind: 'io_object'
  /** What was written or is to be read. Byte string. */
  text: string
  /** Where reading goes on. */
  at: number
  /** Called once, with all that was written. */
  onClose?(text: string): void
  /** Where writing goes, if not into `text`. */
  readonly file?: Pick<WritableFile, 'write' | 'close'>
}

const method = declare<IoObject>()

export function ioObject(text: string, onClose?: IoObject['onClose']): IoObject {
  return { kind: 'io_object', text, at: 0, ...(onClose && { onClose }) }
}

/** Writes to a file; `text` is what can be read. With `asLines` each thing written is a line. */
export function fileObject(file: WritableFile, text: string, asLines: boolean): IoObject {
  const line = (octets: string): string => (octets.endsWith('\n') ? octets : `${octets}\n`)
  const write = asLines ? (octets: string) => file.write(line(octets)) : file.write
  return { ...ioObject(text), file: { write, close: file.close } }
}

/** Octets: a string, a number, an ec_string or an io_object. */
export function octets(name: string): Parameter<string> {
  return {
    name,
    expects: 'string, ec_string or io_object',
    read: (value) =>
      asString(value) ??
      asObject<EcString>(value, 'ec_string')?.text ??
      asObject<IoObject>(value, 'io_object')?.text,
  }
}

const readFormat: Parameter<number | '*a' | '*l'> = {
  name: 'length',
  expects: 'number, "*a" or "*l"',
  read: (value) => {
    if (value === '*a' || value === '*l') return value
    return typeof value === 'number' && value >= 0 ? value : undefined
  },
}

function take(self: IoObject, end: number): string {
  const piece = self.text.slice(self.at, end)
  self.at += piece.length
  return piece
}

function failure(error: unknown): never {
  throw new LuaCallError(`io_object: ${error instanceof Error ? error.message : String(error)}`)
}

export const IO_OBJECT: ClassShape<IoObject> = {
  kind: 'io_object',
  className: 'msys.core:_io_object',
  prefix: 'io_object',
  methods: [
    method(
      'io_object:write',
      [octets('octets'), optional(number('length'))],
      { result: 'number', tier: 1, doc: 'writes, and says how many octets' },
      (self, [text, length]) => {
        if (length !== undefined && !(length >= 0)) {
          throw new LuaCallError('io_object:write: bad argument #2 (negative): length')
        }
        const written = text.slice(0, length)
        const { file } = self
        if (file) return later(() => file.write(written).then(() => written.length, failure))
        self.text += written
        return written.length
      },
    ),
    method(
      'io_object:read',
      [optional(readFormat)],
      {
        result: 'string | nil',
        tier: 2,
        doc: 'so many octets, a line (`*l`), or all that is left (`*a`, or nothing); nil at the end',
      },
      (self, [length]) => {
        if (length === '*a') return take(self, self.text.length)
        if (self.at >= self.text.length) return undefined
        if (typeof length === 'number') return take(self, self.at + length)
        if (length === undefined) return take(self, self.text.length)
        const end = self.text.indexOf('\n', self.at)
        return take(self, end < 0 ? self.text.length : end + 1).replace(/\n$/, '')
      },
    ),
    method('io_object:close', [], { result: 'nil', tier: 1, doc: 'ends writing' }, (self) => {
      const { text, file } = self
      self.gone = 'it was closed'
      if (file) return later(() => file.close().then(() => undefined, failure))
      return self.onClose?.(text)
    }),
  ],
  fields: [],
  text: (self) => self.text,
  length: (self) => self.text.length,
}
