// Messages that policy makes and sends. Momentum manual pages "lua.ref.msg_build", "lua.ref.msg_inject",
// "lua.ref.msg_forward"; "apis-ec-message-copy", "apis-ec-message-snapshot", "apis-ec-message-builder".
import { randomBytes } from 'node:crypto'
import type { HostResult } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import { type Address, NULL_ADDRESS } from '../mail/address.ts'
import { copyContext, emptyContext } from '../mail/context.ts'
import { mailDate } from '../mail/date.ts'
import { EMPTY_ENVELOPE } from '../mail/envelope.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { Message } from '../mail/message.ts'
import { parseAddresses } from '../mime/addresslist.ts'
import { composeForward, composeMessage, type Defaults } from '../mime/compose.ts'
import { NONE } from '../mime/tree.ts'
import { readAddress } from './address.ts'
import { alternativesIn, attachmentsIn, headersIn } from './composition.ts'
import { assertWritable, contentOf, rawOf, replaceContent } from './content.ts'
import { declare } from './declaration.ts'
import { assertAlive, type MessageHandle } from './handle.ts'
import { ioObject } from './ioobject.ts'
import { replaceRaw } from './messagebody.ts'
import { freshBoundary } from './messagemime.ts'
import { any, number, object, optional, string, table } from './parameter.ts'
import type { Injection, Runtime, Sending } from './runtime.ts'
import { type Stage, STAGES } from './stage.ts'

const method = declare<MessageHandle>()
const fn = declare<undefined>()

/** Where a session is there to send for. */
const SENDING: readonly Stage[] = STAGES.filter((stage) => stage !== 'load' && stage !== 'end')

export const SEND_METHODS = [
  method(
    'msg:build',
    [table('headers'), optional(table('parts')), optional(table('attachments'))],
    {
      result: 'nil',
      tier: 1,
      doc: 'fills a message of ec_message_new: multipart/mixed with the alternatives and the attachments',
      differs: 'Date and Message-ID are added where they are missing; text/plain comes first',
    },
    (msg, [headers, parts, attachments], runtime) => {
      assertWritable(msg, 'msg:build')
      if (rawOf(msg).length > 0) throw new LuaCallError('msg:build: the message is not empty')
      const composition = {
        headers: headersIn(headers),
        alternatives: alternativesIn(parts),
        attachments: attachmentsIn(attachments),
      }
      const made = composeMessage(composition, defaults(runtime), freshBoundary(msg, []))
      replaceContent(msg, made, 'the message was built')
    },
  ),
  method(
    'msg:inject',
    [string('mailfrom'), string('rcptto')],
    {
      result: 'true',
      tier: 1,
      stages: SENDING,
      doc: 'queues the message as it is now to these recipients, with commas between them',
      differs:
        'runs validate_set_binding and the final callouts; in the callouts of a transaction it is queued when that is, and not when that fails temporarily',
    },
    (msg, [mailfrom, rcptto], runtime) => {
      const content = contentOf(msg)
      if (rawOf(msg).length === 0) throw new LuaCallError('msg:inject: the message is empty')
      const isTracked = msg.sealedBody !== undefined || msg.current.isTracked === true
      const message = { ...msg.current, ...content, ...(isTracked && { isTracked }) }
      return inject('msg:inject', message, mailfrom, rcptto, runtime)
    },
  ),
  method(
    'msg:forward',
    [
      string('sender'),
      string('rcptto'),
      string('text'),
      optional(string('subject')),
      optional(string('charset'), 'utf-8'),
    ],
    {
      result: 'true',
      tier: 2,
      stages: SENDING,
      doc: 'sends a new message with this one attached; `text` is UTF-8 and written in `charset`',
      differs: 'as msg:inject',
    },
    (msg, [sender, rcptto, text, subject, charset], runtime) => {
      const headers = Object.entries({ From: sender, To: rcptto, Subject: subject })
      const made = composeForward(
        headers.filter((entry): entry is [string, string] => Boolean(entry[1])),
        { content: text, charset },
        rawOf(msg),
        defaults(runtime),
        freshBoundary(msg, []),
      )
      const message = { ...newMessage(runtime), ...made }
      return inject('msg:forward', message, sender, rcptto, runtime)
    },
  ),
  method(
    'msg:copy',
    [],
    { result: 'message', tier: 2, doc: 'a deep copy, to be changed and injected on its own' },
    (msg, _, { wrap }) => wrap(copyOf(msg)),
  ),
  method(
    'msg:snapshot',
    [],
    { result: 'message', tier: 2, doc: 'a read-only view that outlives the callout' },
    (msg, _, { wrap }) => wrap({ ...copyOf(msg), isSnapshot: true } satisfies MessageHandle),
  ),
  method('snap:free', [], { result: 'nil', tier: 2, doc: 'lets a snapshot go' }, (msg) => {
    if (!msg.isSnapshot) throw new LuaCallError('snap:free: this is no snapshot')
    msg.gone = 'it was freed'
  }),
]

export const SEND_FUNCTIONS = [
  fn(
    'msys.core.ec_message_new',
    [any('now')],
    { result: 'message', tier: 1, doc: 'an empty message for msg:build' },
    (_, __, runtime) =>
      runtime.wrap({
        kind: 'message',
        isDetached: true,
        current: newMessage(runtime),
      } satisfies MessageHandle),
  ),
  fn(
    'msys.core.ec_message_builder',
    [object<MessageHandle>('msg', 'message'), optional(number('size_hint'), 0)],
    {
      result: 'io_object',
      tier: 2,
      doc: 'fills a message by what is written until the io_object is closed',
    },
    (_, [msg], { wrap }) => {
      assertAlive(msg)
      assertWritable(msg, 'msys.core.ec_message_builder')
      return wrap(
        ioObject('', (text) => {
          assertAlive(msg)
          replaceRaw(msg, text)
        }),
      )
    },
  ),
]

function copyOf(msg: MessageHandle): MessageHandle {
  const content = contentOf(msg)
  const { current } = msg
  return {
    kind: 'message',
    isDetached: true,
    current: { ...current, ...content, context: copyContext(current.context) },
  }
}

/** An empty message that policy fills. */
export function newMessage(runtime: Runtime): Message {
  const id = sendingOf(runtime)?.newId() ?? ''
  return {
    id,
    batchId: id,
    connectionId: runtime.callSite()?.subject?.ac.connectionId ?? '',
    base: NONE,
    fields: [],
    separator: NONE,
    body: NONE,
    envelope: EMPTY_ENVELOPE,
    context: emptyContext(),
    receivedMs: runtime.nowMs(),
  }
}

/** The session's, else that of the server, as in timers, console commands and delivery hooks. */
export function sendingOf({ callSite, standing }: Runtime): Sending | undefined {
  return callSite()?.subject?.sending ?? standing()
}

function defaults(runtime: Runtime): Defaults {
  const host = sendingOf(runtime)?.hostname ?? 'localhost'
  return {
    date: mailDate(runtime.nowMs()),
    messageId: `<${randomBytes(16).toString('hex')}@${host}>`,
  }
}

function inject(
  name: string,
  message: Message,
  mailfrom: string,
  rcptto: string,
  runtime: Runtime,
): HostResult {
  if (!sendingOf(runtime)) {
    throw new LuaCallError(`${name}: there is no session here to send for`)
  }
  const from = mailfrom === '' ? NULL_ADDRESS : readAddress(name, mailfrom)
  const done = injectMessage(message, from, readRecipients(name, rcptto), runtime)
  return andThen(done, (reason) => {
    if (reason !== undefined) throw new LuaCallError(`${name}: not queued: ${reason}`)
    return true
  })
}

/** Why it is not queued; undefined when it is. */
export function injectMessage(
  message: Message,
  mailfrom: Address,
  recipients: readonly Address[],
  runtime: Runtime,
): Eventually<string | undefined> {
  const sending = sendingOf(runtime)
  if (!sending) return 'there is no session here to send for'
  const copy = { ...message, context: copyContext(message.context) }
  const injection: Injection = { message: copy, mailfrom, recipients }
  return sending.inject(injection)
}

function readRecipients(name: string, text: string): readonly Address[] {
  const recipients = parseAddresses(text).map(({ address }) => readAddress(name, address))
  if (recipients.length === 0) throw new LuaCallError(`${name}: bad argument #2 (no address)`)
  return recipients
}
