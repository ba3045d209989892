// ec_string: a string object that can be changed, as the `str` of callouts and what functions fill.
// `tostring(s)` and `s.buffer` are its octets. Momentum: "structs-string", "lua.ref.msys.core.string_new".
import { declare, declareField } from './declaration.ts'
import type { ApiObject } from './handle.ts'
import { number, optional, string } from './parameter.ts'
import type { ClassShape } from './shape.ts'

export interface EcString extends ApiObject {
  readonly kind: 'ec_string'
  /** Byte string. */
  text: string
}

const method = declare<EcString>()
const field = declareField<EcString>()
const fn = declare<undefined>()

export const EC_STRING: ClassShape<EcString> = {
  kind: 'ec_string',
  className: 'msys.core:_ec_string',
  prefix: 'str',
  methods: [
    method(
      'str:set',
      [string('text')],
      { result: 'nil', tier: 1, doc: 'gives it other octets' },
      (self, [text]) => {
        self.text = text
      },
    ),
    method(
      'str:write',
      [string('text'), optional(number('length'), Infinity)],
      { result: 'number', tier: 1, doc: 'adds these octets, or the first so many of them' },
      (self, [text, length]) => {
        const added = text.slice(0, Math.max(0, length))
        self.text += added
        return added.length
      },
    ),
  ],
  fields: [
    field('str.buffer', { result: 'string', tier: 1, doc: 'its octets' }, (self) => self.text),
    field('str.len', { result: 'number', tier: 1, doc: 'how many' }, (self) => self.text.length),
  ],
  text: (self) => self.text,
  length: (self) => self.text.length,
}

export const EC_STRING_FUNCTIONS = [
  fn(
    'msys.core.string_new',
    [],
    { result: 'ec_string', tier: 1, doc: 'a new, empty string object' },
    (_, __, { wrap }) => wrap({ kind: 'ec_string', text: '' } satisfies EcString),
  ),
]
