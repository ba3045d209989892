// The envelope of a message or copy: sender, recipient, and the domain that chooses the next hop.
// Momentum manual pages "lua.ref.msg_mailfrom", "lua.ref.msg_rcptto", "lua.ref.msg_routing_domain".
import { LuaCallError } from '../lua/error.ts'
import { NULL_ADDRESS } from '../mail/address.ts'
import { lowerCase } from '../mail/bytes.ts'
import { type Envelope, routingDomain } from '../mail/envelope.ts'
import { readAddress } from './address.ts'
import { ENVELOPE_COMPLETE, ENVELOPE_FROM, ENVELOPE_TO } from './constants.ts'
import { assertWritable } from './content.ts'
import { assertStage, declare } from './declaration.ts'
import type { EcString } from './ecstring.ts'
import type { MessageHandle } from './handle.ts'
import { number, object, optional, string } from './parameter.ts'
import { COPY_STAGES, NOT_BINDING, RECIPIENT_STAGES } from './stage.ts'

const method = declare<MessageHandle>()

export const ENVELOPE_METHODS = [
  method(
    'msg:mailfrom',
    [optional(string('address'))],
    { result: 'string', tier: 1, doc: 'the envelope sender, "" for the null sender; sets it' },
    (msg, [address], runtime) => {
      if (address === undefined) return msg.current.envelope.mailfrom.text
      assertWritable(msg, 'msg:mailfrom')
      if (!msg.isDetached) assertStage('msg:mailfrom', NOT_BINDING, runtime)
      const mailfrom = address === '' ? NULL_ADDRESS : readAddress('msg:mailfrom', address)
      setEnvelope(msg, { mailfrom })
      mirrorAddress(msg, 'mailfrom', mailfrom)
      return address
    },
  ),
  method(
    'msg:rcptto',
    [optional(string('address'))],
    {
      result: 'string',
      tier: 1,
      stages: RECIPIENT_STAGES,
      doc: 'the envelope recipient of this copy; sets it from validate_data_spool_each_rcpt on',
    },
    (msg, [address], runtime) => {
      if (address === undefined) return msg.current.envelope.rcptto.text
      assertWritable(msg, 'msg:rcptto')
      if (!msg.isDetached) assertStage('msg:rcptto', COPY_STAGES, runtime)
      const rcptto = readAddress('msg:rcptto', address)
      setEnvelope(msg, { rcptto })
      mirrorAddress(msg, 'rcptto', rcptto)
      return address
    },
  ),
  method(
    'msg:routing_domain',
    [optional(string('domain'))],
    {
      result: 'string',
      tier: 1,
      stages: RECIPIENT_STAGES,
      doc: "the domain that chooses the next hop, the recipient's unless set",
    },
    (msg, [domain]) => {
      if (domain === undefined) return routingDomain(msg.current.envelope)
      assertWritable(msg, 'msg:routing_domain')
      if (!/^[\w.[\]:-]+$/.test(domain)) {
        throw new LuaCallError('msg:routing_domain: bad argument #1 (not a domain name)')
      }
      setEnvelope(msg, { routingDomain: lowerCase(domain) })
      return domain
    },
  ),
  method(
    'msg:get_envelope2',
    [
      number('flags'),
      optional(object<EcString>('localpart', 'ec_string')),
      optional(object<EcString>('domain', 'ec_string')),
    ],
    {
      result: 'nil',
      tier: 1,
      stages: RECIPIENT_STAGES,
      doc: 'fills ec_strings from the envelope: EC_MSG_ENV_FROM or EC_MSG_ENV_TO; with EC_MSG_ENV_COMPLETE the whole address goes into the first',
    },
    (msg, [flags, first, second]) => {
      const { mailfrom, rcptto } = msg.current.envelope
      const address = readSide(flags) === ENVELOPE_FROM ? mailfrom : rcptto
      const isComplete = (flags & ENVELOPE_COMPLETE) === ENVELOPE_COMPLETE
      if (first) first.text = isComplete ? address.text : address.localpart
      if (second && !isComplete) second.text = address.domain
    },
  ),
]

function readSide(flags: number): number {
  const side = flags & (ENVELOPE_FROM | ENVELOPE_TO)
  if (side === ENVELOPE_FROM || side === ENVELOPE_TO) return side
  const expected = 'one of EC_MSG_ENV_FROM and EC_MSG_ENV_TO expected'
  throw new LuaCallError(`msg:get_envelope2: bad argument #1 (${expected}): flags`)
}

function setEnvelope(msg: MessageHandle, change: Partial<Envelope>): void {
  msg.current = { ...msg.current, envelope: { ...msg.current.envelope, ...change } }
}

/** The context variables of an address follow it. */
function mirrorAddress(
  msg: MessageHandle,
  prefix: 'mailfrom' | 'rcptto',
  address: { localpart: string; domain: string },
): void {
  const { message } = msg.current.context
  message.set(`${prefix}_localpart`, address.localpart)
  message.set(`${prefix}_domain`, address.domain)
}
