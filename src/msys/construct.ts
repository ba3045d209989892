// The message construct: what a session has in hand from MAIL on, and the usual way to the message in
// validate_mailfrom. Momentum: "structs-message-construct".
import type { LuaValue } from '../lua/value.ts'
import { remoteOf } from './accept.ts'
import { declare, declareField } from './declaration.ts'
import type { Accept, MessageConstruct } from './handle.ts'
import { object } from './parameter.ts'
import type { ClassShape } from './shape.ts'

const fn = declare<undefined>()
const field = declareField<MessageConstruct>()

export const MESSAGE_CONSTRUCT: ClassShape<MessageConstruct> = {
  kind: 'message_construct',
  className: 'msys.core:_message_construct',
  prefix: 'mc',
  methods: [],
  fields: [
    field(
      'mc.message',
      { result: 'message | nil', tier: 1, doc: 'the message; nil outside a transaction' },
      ({ message }, { wrap }) => message && wrap(message),
    ),
    field(
      'mc.ctx',
      { result: 'vctx | nil', tier: 2, doc: 'the validation context of the callout that runs now' },
      (_, { callSite, wrap }) => {
        const vctx = callSite()?.subject?.vctx
        return vctx && wrap(vctx)
      },
    ),
    field(
      'mc.connection_message_count',
      { result: 'number', tier: 2, doc: 'messages on this connection' },
      (mc) => mc.connectionMessageCount,
    ),
    field(
      'mc.connection_rcpt_count',
      { result: 'number', tier: 2, doc: 'recipients on this connection' },
      (mc) => mc.connectionRecipientCount,
    ),
    field(
      'mc.message_rcpt_count',
      { result: 'number', tier: 2, doc: 'recipients of this message' },
      (mc) => mc.messageRecipientCount,
    ),
    field(
      'mc.max_message_size',
      { result: 'number', tier: 2, doc: 'octets that a message may have' },
      (mc) => mc.maxMessageSize,
    ),
    field(
      'mc.subcon',
      {
        result: '{ gb_donebuffer: string, gb_donesize: number }',
        tier: 3,
        doc: 'the command line in hand, with its line end: for core_post_smtp_command',
      },
      ({ command }) =>
        new Map<string, LuaValue>([
          ['gb_donebuffer', command],
          ['gb_donesize', command.length],
        ]),
    ),
    field(
      'mc.relayable',
      { result: '1 | 0', tier: 2, doc: 'whether the client may relay' },
      (mc) => (mc.mayRelay ? 1 : 0),
    ),
    field(
      'mc.peer_address',
      { result: 'sockaddr | nil', tier: 2, doc: 'the client' },
      (_, { callSite, wrap }) => {
        const ac = callSite()?.subject?.ac
        return ac && wrap(remoteOf(ac))
      },
    ),
  ],
}

export const CONSTRUCT_FUNCTIONS = [
  fn(
    'msys.core.accept_construct_get_message_construct',
    [object<Accept>('ac', 'ac')],
    { result: 'message_construct', tier: 1, doc: 'what the session of a connection has in hand' },
    (_, [{ construct }], { wrap }) => wrap(construct),
  ),
]
