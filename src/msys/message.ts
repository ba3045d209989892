// `msg`, a message or one recipient's copy.
// Momentum manual pages "lua.ref.msg.id", "lua.ref.msg_discard"; its other methods stand in the files beside.
import { declare, declareField } from './declaration.ts'
import type { MessageHandle } from './handle.ts'
import { CONTEXT_METHODS } from './messagecontext.ts'
import { ENVELOPE_METHODS } from './messageenvelope.ts'
import { HEADER_METHODS } from './messageheader.ts'
import { optional, string } from './parameter.ts'
import type { ClassShape } from './shape.ts'
import { NOT_BINDING } from './stage.ts'

const DISCARDED = '550 5.7.0 discarded by policy'
const DISCARDED_WITHOUT_CODE = '550 5.7.1 [internal] discarded by policy'

const method = declare<MessageHandle>()
const field = declareField<MessageHandle>()

export const MESSAGE: ClassShape<MessageHandle> = {
  kind: 'message',
  className: 'msys.core:_ec_message',
  prefix: 'msg',
  methods: [
    ...HEADER_METHODS,
    ...ENVELOPE_METHODS,
    ...CONTEXT_METHODS,
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
  fields: [
    field(
      'msg.id',
      { result: 'string', tier: 1, doc: 'the id of this copy' },
      (msg) => msg.current.id,
    ),
    field(
      'msg.batch_id',
      { result: 'string', tier: 1, doc: 'the id shared by all copies of one reception' },
      (msg) => msg.current.batchId,
    ),
    field(
      'msg.conn_id',
      { result: 'string', tier: 1, doc: 'the id of the connection' },
      (msg) => msg.current.connectionId,
    ),
  ],
}
