// ec_string: a string object, as the `str` of callouts. `tostring(s)` and `s.buffer` are its octets.
// Momentum: "structs-string", "lua.ref.msys.core.string_new".
import { declareField } from './declaration.ts'
import type { ApiObject } from './handle.ts'
import type { ClassShape } from './shape.ts'

export interface EcString extends ApiObject {
  readonly kind: 'ec_string'
  /** Byte string. */
  text: string
}

const field = declareField<EcString>()

export const EC_STRING: ClassShape<EcString> = {
  kind: 'ec_string',
  className: 'msys.core:_ec_string',
  prefix: 'str',
  methods: [],
  fields: [
    field('str.buffer', { result: 'string', tier: 1, doc: 'its octets' }, (self) => self.text),
    field('str.len', { result: 'number', tier: 1, doc: 'how many' }, (self) => self.text.length),
  ],
  text: (self) => self.text,
  length: (self) => self.text.length,
}
