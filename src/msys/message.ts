// `msg`, a message or one recipient's copy.
// Momentum manual pages "lua.ref.msg.id", "lua.ref.msg_discard"; its other methods stand in the files beside.
import { assertWritable } from './content.ts'
import { declare } from './declaration.ts'
import type { MessageHandle } from './handle.ts'
import { BINDING_METHODS } from './messagebinding.ts'
import { BODY_METHODS } from './messagebody.ts'
import { CONTEXT_METHODS } from './messagecontext.ts'
import { ENVELOPE_METHODS } from './messageenvelope.ts'
import { FACT_FIELDS, FACT_METHODS } from './messagefacts.ts'
import { HEADER_METHODS } from './messageheader.ts'
import { MATCH_METHODS } from './messagematch.ts'
import { MIME_METHODS } from './messagemime.ts'
import { SEND_METHODS } from './messagesend.ts'
import { optional, string } from './parameter.ts'
import type { ClassShape } from './shape.ts'
import { NOT_BINDING } from './stage.ts'

const DISCARDED = '550 5.7.0 discarded by policy'
const DISCARDED_WITHOUT_CODE = '550 5.7.1 [internal] discarded by policy'

const method = declare<MessageHandle>()

export const MESSAGE: ClassShape<MessageHandle> = {
  kind: 'message',
  className: 'msys.core:_ec_message',
  prefix: 'msg',
  methods: [
    ...HEADER_METHODS,
    ...BODY_METHODS,
    ...MATCH_METHODS,
    ...MIME_METHODS,
    ...ENVELOPE_METHODS,
    ...BINDING_METHODS,
    ...CONTEXT_METHODS,
    ...FACT_METHODS,
    ...SEND_METHODS,
    method(
      'msg:discard',
      [optional(string('reason'), DISCARDED)],
      {
        result: 'nil',
        tier: 1,
        stages: NOT_BINDING,
        doc: 'drops the message, or this copy; the client sees success',
      },
      (msg, [reason]) => {
        assertWritable(msg, 'msg:discard')
        const discarded = /^[45]\d\d[ -]/.test(reason) ? reason : DISCARDED_WITHOUT_CODE
        msg.current = { ...msg.current, discarded }
      },
    ),
    method(
      'msg:is_mcmt',
      [],
      { result: 'boolean', tier: 3, doc: 'false: no message here goes out over several channels' },
      () => false,
    ),
  ],
  fields: FACT_FIELDS,
}
