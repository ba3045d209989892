// Notifications about what became of a message (RFC 3464): made from one, and read (Momentum:
// "lua.ref.msys.rfc3464.create_mdn" and the pages beside it, which call them MDN; "lua.ref.msys.bounce.classify").
import { randomBytes } from 'node:crypto'
import { multiple } from '../lua/value.ts'
import { NULL_ADDRESS } from '../mail/address.ts'
import { bounceClass, describeClass } from '../mail/bounceclass.ts'
import { mailDate } from '../mail/date.ts'
import { andThen } from '../mail/eventually.ts'
import { fieldName, fieldValue, makeField, splitHeader } from '../mime/field.ts'
import { describeNode, partsOf, plantTree, renderBody } from '../mime/tree.ts'
import { contentOf } from './content.ts'
import { CORE_CONSTANTS } from './constants.ts'
import { declare } from './declaration.ts'
import { assertAlive, type MessageHandle } from './handle.ts'
import { injectMessage, newMessage, sendingOf } from './messagesend.ts'
import { object, type Parameter } from './parameter.ts'
import type { Runtime } from './runtime.ts'

const fn = declare<undefined>()

const MESSAGE = object<MessageHandle>('msg', 'message')
const ACTIONS = new Map(
  ['FAILED', 'DELAYED', 'DELIVERED', 'RELAYED', 'EXPANDED'].map((name) => [
    CORE_CONSTANTS[name],
    name.toLowerCase(),
  ]),
)

/** By its constant, as RFC 3464 §2.3.3 has it. */
const ACTION: Parameter<string> = {
  name: 'action',
  expects: 'msys.core.FAILED, DELAYED, DELIVERED, RELAYED or EXPANDED',
  read: (value) => (typeof value === 'number' ? ACTIONS.get(value) : undefined),
}

const STATUS_DIFFERS =
  'what happened is taken from the delivery status text of the message (msg:code)'

export const NOTIFICATION_FUNCTIONS = [
  fn(
    'msys.rfc3464.compute_delivery_status',
    [MESSAGE, ACTION],
    {
      result: 'table',
      tier: 2,
      doc: 'the fields of a delivery status, by name',
      differs: STATUS_DIFFERS,
    },
    (_, [msg, action], runtime) => new Map(statusOf(msg, action, runtime)),
  ),
  fn(
    'msys.rfc3464.compute_delivery_status_string',
    [MESSAGE, ACTION],
    { result: 'string', tier: 2, doc: 'the same as header lines', differs: STATUS_DIFFERS },
    (_, [msg, action], runtime) => statusOf(msg, action, runtime).map(lineOf).join('\r\n'),
  ),
  fn(
    'msys.rfc3464.create_mdn',
    [MESSAGE, ACTION],
    {
      result: 'message',
      tier: 2,
      doc: 'a notification to the sender of a message',
      differs: STATUS_DIFFERS,
    },
    (_, [msg, action], runtime) =>
      runtime.wrap({
        kind: 'message',
        isDetached: true,
        current: { ...newMessage(runtime), ...notification(msg, action, runtime) },
      } satisfies MessageHandle),
  ),
  fn(
    'msys.rfc3464.send_mdn',
    [MESSAGE, ACTION],
    {
      result: 'number',
      tier: 2,
      doc: 'makes and queues one: 1, or 0 when that cannot be',
      differs: STATUS_DIFFERS,
    },
    (_, [msg, action], runtime) => {
      const { mailfrom } = msg.current.envelope
      // RFC 5321 §6.1: nobody is told of a notification.
      if (mailfrom.text === '' || !sendingOf(runtime)) return 0
      const message = { ...newMessage(runtime), ...notification(msg, action, runtime) }
      const done = injectMessage(message, NULL_ADDRESS, [mailfrom], runtime)
      return andThen(done, (reason) => (reason === undefined ? 1 : 0))
    },
  ),
  fn(
    'msys.rfc3464.extract_delivery_status',
    [MESSAGE],
    {
      result: 'table | nil',
      tier: 2,
      doc: 'the fields of the delivery status in a notification; nil when it is none',
    },
    (_, [msg]) => extract(msg),
  ),
  fn(
    'msys.bounce.classify',
    [MESSAGE],
    {
      result: 'number, string, string, string | nil',
      tier: 2,
      doc: 'the bounce class of a notification: its code, its name, what it says; and the recipient that it is about',
      differs: "the classes of Momentum; rules of one's own are not read",
    },
    (_, [msg]) => {
      const fields = extract(msg)
      const code = fields ? classOf(fields) : 1
      const { name, meaning } = describeClass(code)
      const recipient = fields?.get('Original-Recipient') ?? fields?.get('Final-Recipient')
      return multiple(code, name, meaning, recipient?.replace(/^[^;]*;\s*/, ''))
    },
  ),
]

type Line = readonly [name: string, value: string]

function lineOf([name, value]: Line): string {
  return `${name}: ${value}`
}

function statusOf(msg: MessageHandle, action: string, runtime: Runtime): readonly Line[] {
  assertAlive(msg)
  const { envelope, status = '', receivedMs } = msg.current
  const text = status.replace(/\s+/g, ' ').trim()
  const code = /^[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(text)?.[1]
  const first = { failed: '5.0.0', delayed: '4.0.0' }[action] ?? '2.0.0'
  return [
    ['Reporting-MTA', `dns; ${hostOf(runtime)}`],
    ['Arrival-Date', mailDate(receivedMs)],
    ['Final-Recipient', `rfc822; ${envelope.rcptto.text}`],
    ['Action', action],
    ['Status', code ?? first],
    ...(text === '' ? [] : [['Diagnostic-Code', `smtp; ${text}`] as const]),
    ['Last-Attempt-Date', mailDate(runtime.nowMs())],
  ]
}

const WORDS: Readonly<Record<string, string>> = {
  failed: 'could not be delivered to',
  delayed: 'is delayed on its way to',
  delivered: 'was delivered to',
  relayed: 'was relayed, to a server that sends no notifications, for',
  expanded: 'was sent on to the members of',
}

function notification(msg: MessageHandle, action: string, runtime: Runtime) {
  const lines = statusOf(msg, action, runtime)
  const { envelope } = msg.current
  const host = hostOf(runtime)
  const boundary = randomBytes(16).toString('hex')
  const header = contentOf(msg).fields.map(({ bytes }) => bytes.toString('latin1'))
  // The fields of the message come before the empty line, those of the recipient after it.
  const [about, recipient] = [lines.slice(0, 2), lines.slice(2)]
  const body = [
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `This is the mail system at ${host}. Your message`,
    `${WORDS[action]} ${envelope.rcptto.text}.`,
    '',
    `--${boundary}`,
    'Content-Type: message/delivery-status',
    '',
    ...about.map(lineOf),
    '',
    ...recipient.map(lineOf),
    '',
    `--${boundary}`,
    'Content-Type: text/rfc822-headers',
    '',
    `${header.join('')}`,
    `--${boundary}--`,
    '',
  ].join('\r\n')
  const fields = [
    makeField('From', `Mail Delivery System <MAILER-DAEMON@${host}>`),
    makeField('To', `<${envelope.mailfrom.text}>`),
    makeField('Date', mailDate(runtime.nowMs())),
    makeField('Message-ID', `<${randomBytes(16).toString('hex')}@${host}>`),
    makeField(
      'Subject',
      action === 'failed' ? 'Mail delivery failure' : `Mail delivery: ${action}`,
    ),
    makeField('Auto-Submitted', 'auto-replied'),
    makeField('MIME-Version', '1.0'),
    makeField(
      'Content-Type',
      `multipart/report; report-type=delivery-status; boundary="${boundary}"`,
    ),
  ]
  const separator = Buffer.from('\r\n')
  return { fields, separator, body: Buffer.from(body, 'latin1') }
}

function hostOf(runtime: Runtime): string {
  return sendingOf(runtime)?.hostname ?? 'localhost'
}

/** Of the message and of the first recipient; the first field of a name counts. */
function extract(msg: MessageHandle): ReadonlyMap<string, string> | undefined {
  assertAlive(msg)
  const root = plantTree(contentOf(msg))
  for (const node of partsOf(root)) {
    if (!/^message\/(?:global-)?delivery-status$/.test(describeNode(node).type.type)) continue
    const found = new Map<string, string>()
    let rest = renderBody(node)
    for (let group = 0; group < 2 && rest.length > 0; group++) {
      const { fields, body } = splitHeader(rest)
      for (const field of fields) {
        const name = fieldName(field)
        if (field.key !== '' && !found.has(name)) found.set(name, fieldValue(field))
      }
      rest = body
    }
    return found.size > 0 ? found : undefined
  }
  return undefined
}

function classOf(fields: ReadonlyMap<string, string>): number {
  const status = fields.get('Status') ?? ''
  const text = (fields.get('Diagnostic-Code') ?? '').replace(/^[^;]*;\s*/, '')
  if (/^[245]\d\d[ -]/.test(text)) return bounceClass(text)
  const digit = /^[245]/.exec(status)?.[0] ?? '5'
  return bounceClass(`${digit}00 ${status} ${text}`)
}
