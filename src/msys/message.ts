// `msg`, a message or one recipient's copy: header, envelope, context, disposal.
// Momentum manual pages "lua.ref.header", "lua.ref.msg_mailfrom" … "lua.ref.msg_discard".
import type { HostResult } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'
import { type Address, NULL_ADDRESS, splitAddress } from '../mail/address.ts'
import { lowerCase } from '../mail/bytes.ts'
import { type Envelope, routingDomain } from '../mail/envelope.ts'
import { decodeWords, encodeWords } from '../mime/encodedword.ts'
import { type Field, fieldValue, isFieldName, makeField } from '../mime/field.ts'
import { appendFields, findFields, prependFields, removeFields } from '../mime/header.ts'
import { any, asString, type Binding, binding, isTable, optional, string } from './binding.ts'
import { dictionary, exists, existsAndGet, readKey, readValue } from './dictionary.ts'
import { assertAlive, type MessageHandle } from './handle.ts'

const DISCARDED = '550 5.7.0 discarded by policy'
const DISCARDED_WITHOUT_CODE = '550 5.7.1 [internal] discarded by policy'

/** Where one copy exists for each recipient, so that an envelope can be edited for it alone. */
const COPY_CALLOUTS = /each_rcpt|final_validation/
const BINDING_CALLOUT = 'validate_set_binding'

export const MESSAGE_METHODS: readonly Binding<MessageHandle>[] = [
  binding(
    'msg:header',
    [string('name'), any('value'), optional(string('mode'), 'replace')],
    (msg: MessageHandle, [name, value, mode], count) =>
      count < 2 ? readHeader(msg, name) : writeHeader(msg, name, value, mode),
  ),
  binding('msg:mailfrom', [optional(string('address'))], (msg: MessageHandle, [address]) => {
    if (address === undefined) return msg.current.envelope.mailfrom.text
    refuseIn(msg, 'msg:mailfrom', BINDING_CALLOUT)
    const mailfrom = address === '' ? NULL_ADDRESS : readAddress('msg:mailfrom', address)
    setEnvelope(msg, { mailfrom })
    mirrorAddress(msg, 'mailfrom', mailfrom)
    return address
  }),
  binding('msg:rcptto', [optional(string('address'))], (msg: MessageHandle, [address]) => {
    if (address === undefined) return msg.current.envelope.rcptto.text
    if (!COPY_CALLOUTS.test(msg.callout)) {
      const where = 'validate_data_spool_each_rcpt or later'
      throw new LuaCallError(`msg:rcptto cannot be set in ${msg.callout}: only in ${where}`)
    }
    const rcptto = readAddress('msg:rcptto', address)
    setEnvelope(msg, { rcptto })
    mirrorAddress(msg, 'rcptto', rcptto)
    return address
  }),
  binding('msg:routing_domain', [optional(string('domain'))], (msg: MessageHandle, [domain]) => {
    if (domain === undefined) return routingDomain(msg.current.envelope)
    if (!/^[\w.[\]:-]+$/.test(domain)) {
      throw new LuaCallError("bad argument #1 to 'msg:routing_domain' (not a domain name)")
    }
    setEnvelope(msg, { routingDomain: lowerCase(domain) })
    return domain
  }),
  binding(
    'msg:discard',
    [optional(string('reason'), DISCARDED)],
    (msg: MessageHandle, [reason]) => {
      refuseIn(msg, 'msg:discard', BINDING_CALLOUT)
      const discarded = /^[45]\d\d[ -]/.test(reason) ? reason : DISCARDED_WITHOUT_CODE
      msg.current = { ...msg.current, discarded }
      return undefined
    },
  ),
  binding('msg:context_get', [dictionary, any('key')], (msg: MessageHandle, [which, key]) => {
    const name = readKey('msg:context_get', key)
    return name === undefined ? '' : (msg.current.context[which].get(name) ?? '')
  }),
  binding(
    'msg:context_set',
    [dictionary, any('key'), any('value')],
    (msg: MessageHandle, [which, key, value]) => {
      const name = readKey('msg:context_set', key)
      const text = readValue('msg:context_set', value)
      if (name === undefined || text === undefined) return 0
      msg.current.context[which].set(name, text)
      return 1
    },
  ),
  binding('msg:context_exists', [dictionary, any('key')], (msg: MessageHandle, [which, key]) =>
    exists(msg.current.context, which, readKey('msg:context_exists', key)),
  ),
  binding(
    'msg:context_exists_and_get',
    [dictionary, any('key')],
    (msg: MessageHandle, [which, key]) =>
      existsAndGet(msg.current.context, which, readKey('msg:context_exists_and_get', key)),
  ),
  binding('msg:context_delete', [dictionary, string('key')], (msg: MessageHandle, [which, key]) =>
    msg.current.context[which].delete(key) ? 1 : 0,
  ),
]

export function getMessageField(msg: MessageHandle, key: string): LuaValue {
  assertAlive(msg, 'message')
  if (key === 'id') return msg.current.id
  if (key === 'batch_id') return msg.current.batchId
  if (key === 'conn_id') return msg.current.connectionId
  return undefined
}

/** All values of that name, in order; an empty table when there is none, never nil. */
function readHeader(msg: MessageHandle, name: string): HostResult {
  return findFields(msg.current.fields, name).map((field) => decodeWords(fieldValue(field)))
}

/** An empty or nil value deletes. Without a mode the new value replaces all of that name. */
function writeHeader(msg: MessageHandle, name: string, value: LuaValue, mode: string): boolean {
  if (!isFieldName(name))
    throw new LuaCallError("bad argument #1 to 'msg:header' (not a field name)")
  const made = headerValues(value).map((text) => makeField(name, encodeWords(text)))
  const fields = msg.current.fields
  if (made.length === 0 || mode === 'replace') {
    setFields(msg, appendFields(removeFields(fields, name), made))
  } else if (mode === 'append') setFields(msg, appendFields(fields, made))
  else if (mode === 'prepend') setFields(msg, prependFields(fields, made))
  else throw new LuaCallError(`bad argument #3 to 'msg:header' (unknown mode '${mode}')`)
  return true
}

function headerValues(value: LuaValue): string[] {
  const listed = isTable(value) ? listOf(value) : [value]
  return listed
    .filter((item) => item !== undefined && item !== '')
    .map((item) => {
      const text = asString(item)
      if (text === undefined) {
        throw new LuaCallError("bad argument #2 to 'msg:header' (value: string or table expected)")
      }
      return text
    })
}

function listOf(table: LuaTable): LuaValue[] {
  return Array.from({ length: table.length() }, (_, i) => table.get(i + 1))
}

function setFields(msg: MessageHandle, fields: readonly Field[]): void {
  msg.current = { ...msg.current, fields }
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

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\0-\x1f\x7f]/
const QUOTED_LOCALPART = /^"(?:[^"\\]|\\.)*"/

/** No control character may reach the next hop's command line; blanks only within quotes. */
function readAddress(name: string, text: string): Address {
  const isHostile = CONTROL.test(text) || /[ <>]/.test(text.replace(QUOTED_LOCALPART, ''))
  if (isHostile || !text.includes('@')) {
    throw new LuaCallError(`bad argument #1 to '${name}' (not an address)`)
  }
  return splitAddress(text)
}

function refuseIn(msg: MessageHandle, name: string, callout: string): void {
  if (msg.callout === callout) throw new LuaCallError(`${name} is not allowed in ${callout}`)
}
