// io_object: octets that policy reads or writes piece by piece. Momentum: "structs-io-object".
import { LuaCallError } from '../lua/error.ts'
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
}

const method = declare<IoObject>()

export function ioObject(text: string, onClose?: IoObject['onClose']): IoObject {
  return { kind: 'io_object', text, at: 0, ...(onClose && { onClose }) }
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
        self.text += written
        return written.length
      },
    ),
    method(
      'io_object:read',
      [optional(number('length'))],
      { result: 'string | nil', tier: 2, doc: 'the next octets; nil at the end' },
      (self, [length]) => {
        if (self.at >= self.text.length) return undefined
        const piece = self.text.slice(self.at, length === undefined ? undefined : self.at + length)
        self.at += piece.length
        return piece
      },
    ),
    method('io_object:close', [], { result: 'nil', tier: 1, doc: 'ends writing' }, (self) => {
      const { text } = self
      self.gone = 'it was closed'
      self.onClose?.(text)
    }),
  ],
  fields: [],
  text: (self) => self.text,
  length: (self) => self.text.length,
}
