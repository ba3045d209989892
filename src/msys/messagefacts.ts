// What a message says of itself beside its content: ids, where it came from, its delivery status.
// Momentum manual pages "lua.ref.msg.id", "lua.ref.msg_code", "lua.ref.msg_listener_addr"; fields:
// "structs-ec-message".
import { LuaCallError } from '../lua/error.ts'
import type { LuaValue } from '../lua/value.ts'
import { routingDomain } from '../mail/envelope.ts'
import type { Message } from '../mail/message.ts'
import { PROTOCOL_ESMTP, PROTOCOL_INTERNAL } from './constants.ts'
import { assertNoSnapshot, assertWritable } from './content.ts'
import { declare, declareField } from './declaration.ts'
import type { MessageHandle } from './handle.ts'
import { number, optional, type Parameter, string } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import { type SocketAddress, socketAddressText } from './sockaddr.ts'
import { MESSAGE_STAGES, NOT_BINDING } from './stage.ts'

const method = declare<MessageHandle>()
const field = declareField<MessageHandle>()

export const FACT_METHODS = [
  method(
    'msg:code',
    [optional(number('number')), optional(string('text'), '')],
    {
      result: 'string',
      tier: 1,
      stages: NOT_BINDING,
      doc: 'the delivery status text; sets it, with the code from the text when the number is 0',
      differs: 'it is kept for the logs of later phases; vctx:set_code makes the reply',
    },
    (msg, [code, text]) => {
      if (code !== undefined) setStatus(msg, 'msg:code', code, text)
      return msg.current.status ?? ''
    },
  ),
  method(
    'msg:get_code',
    [],
    { result: 'string | nil', tier: 2, doc: 'the delivery status text' },
    (msg) => msg.current.status,
  ),
  method(
    'msg:set_code',
    [number('number'), string('text')],
    {
      result: 'number',
      tier: 2,
      doc: 'sets the delivery status text; gives the code before, 0 for none, -1 for a wrong one',
    },
    (msg, [code, text]) => {
      if (!(code >= 1 && code <= 999)) return -1
      const before = Number(msg.current.status?.slice(0, 3) ?? 0)
      setStatus(msg, 'msg:set_code', code, text)
      return before
    },
  ),
  method(
    'msg:get_delivery_method',
    [],
    { result: 'string', tier: 2, doc: '"esmtp": how messages are delivered here' },
    () => 'esmtp',
  ),
  method(
    'msg:listener_addr',
    [addressForm('flag')],
    {
      result: 'string',
      tier: 1,
      stages: MESSAGE_STAGES,
      doc: 'our address that took the message: ip, port or all',
    },
    (msg, [form]) => form(localAddress(msg.current)),
  ),
  method(
    'msg:reception_peer',
    [addressForm('flag')],
    {
      result: 'string',
      tier: 1,
      stages: MESSAGE_STAGES,
      doc: 'the address that the message came from: ip, port or all',
    },
    (msg, [form]) => form(remoteAddress(msg.current)),
  ),
]

export const FACT_FIELDS = [
  fact('id', 'string', 1, 'the id of this copy', ({ id }) => id),
  fact('batch_id', 'string', 1, 'shared by all copies of one reception', ({ batchId }) => batchId),
  fact('conn_id', 'string', 1, 'the id of the connection', ({ connectionId }) => connectionId),
  field(
    'msg.priority',
    {
      result: '0 | 1',
      tier: 1,
      doc: '1: leaves the queue before others; of other numbers the last bit counts',
    },
    (msg) => msg.current.priority ?? 0,
    (msg, value) => {
      assertWritable(msg, 'msg.priority')
      if (typeof value !== 'number' && typeof value !== 'boolean') {
        throw new LuaCallError('msg.priority: 0 or 1 expected')
      }
      msg.current = { ...msg.current, priority: (Number(value) & 1) as 0 | 1 }
    },
  ),
  fact(
    'recv_method',
    'number',
    2,
    'msys.core.P_ESMTP; P_INTERNAL for a message that policy made',
    ({ endpoints }) => (endpoints ? PROTOCOL_ESMTP : PROTOCOL_INTERNAL),
  ),
  fact('recv_from', 'sockaddr', 2, 'the client', (message, { wrap }) =>
    wrap(remoteAddress(message)),
  ),
  fact('recv_via', 'sockaddr', 2, 'our address', (message, { wrap }) =>
    wrap(localAddress(message)),
  ),
  fact('creation_time', 'number', 2, 'when it was received, epoch seconds', ({ receivedMs }) =>
    Math.floor(receivedMs / 1000),
  ),
  fact('num_retries', 'number', 2, 'deliveries tried so far', () => 0),
  fact('delivered', 'number', 2, 'msys.core.EM_TRYING until its delivery ends', () => 0),
  fact('stage', 'number', 2, '0: it is being received', () => 0),
  fact('failed', 'number', 2, '1 when its delivery has failed', () => 0),
  fact(
    'binding_slot',
    'number',
    2,
    "the id of the copy's binding; 0: the default one",
    ({ envelope }, { bindings }) => bindings.names.indexOf(envelope.egress?.binding ?? 'default'),
  ),
  fact('domain', 'string', 2, 'the domain that chooses the queue', ({ envelope }) =>
    routingDomain(envelope),
  ),
]

function fact(
  name: string,
  result: string,
  tier: 1 | 2,
  doc: string,
  get: (message: Message, runtime: Runtime) => LuaValue,
) {
  return field(`msg.${name}`, { result, tier, doc }, (msg, runtime) => get(msg.current, runtime))
}

function setStatus(msg: MessageHandle, name: string, code: number, text: string): void {
  assertNoSnapshot(msg, name)
  const own = code === 0 ? Number(/^\d{3}(?=[ -]|$)/.exec(text)?.[0]) : Math.trunc(code)
  if (!(own >= 1 && own <= 999)) throw new LuaCallError(`${name}: no code from 1 to 999`)
  const digits = String(own).padStart(3, '0')
  // Every line carries the code, the last one before a blank; nothing else of policy's is structure.
  const lines = text
    .replace(/(?:\r?\n)+$/, '')
    .split(/\r?\n/)
    .map((line) => line.replace(new RegExp(`^${digits}(?:[ -]|$)`), ''))
  const status = lines
    // oxlint-disable-next-line no-control-regex
    .map((line) => line.replace(/[\0\r]/g, ' '))
    .map((line, i) => `${digits}${i === lines.length - 1 ? ' ' : '-'}${line}`)
    .join('\r\n')
  msg.current = { ...msg.current, status }
}

const NOWHERE = { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0 }

function remoteAddress({ endpoints = NOWHERE }: Message): SocketAddress {
  return { kind: 'sockaddr', address: endpoints.remoteAddress, port: endpoints.remotePort }
}

function localAddress({ endpoints = NOWHERE }: Message): SocketAddress {
  return { kind: 'sockaddr', address: endpoints.localAddress, port: endpoints.localPort }
}

type AddressForm = (address: SocketAddress) => string

const FORMS = new Map<LuaValue, AddressForm>([
  ['ip', ({ address }) => address],
  ['port', ({ port }) => String(port)],
  ['all', socketAddressText],
])

function addressForm(name: string): Parameter<AddressForm> {
  return {
    name,
    expects: "'ip', 'port' or 'all'",
    read: (value) => FORMS.get(value),
    absent: { value: socketAddressText },
  }
}
