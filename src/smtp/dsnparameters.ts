// The parameters of MAIL and RCPT by which a sender says which notifications it wants (RFC 3461 §4): RET
// and ENVID of the message, NOTIFY and ORCPT of a recipient. Pure.
import type { Notify } from '../mail/envelope.ts'
import { decodeXtext } from './xtext.ts'

type Parameters = ReadonlyMap<string, string | true>

/** Undefined: the value is none that the parameter may have. */
export type Check = (value: string | true) => boolean

/** What may stand in a header field. */
const PRINTABLE = /^[ -~]*$/
const MAX_ENVID = 100
const MAX_ORCPT = 500

const isXtext = (text: string, most: number): boolean =>
  text.length <= most && PRINTABLE.test(decodeXtext(text) ?? '\0')

export const MAIL_PARAMETERS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['RET', (value) => typeof value === 'string' && /^(?:FULL|HDRS)$/i.test(value)],
  ['ENVID', (value) => typeof value === 'string' && isXtext(value, MAX_ENVID)],
])

export const RCPT_PARAMETERS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['NOTIFY', (value) => typeof value === 'string' && readNotify(value) !== undefined],
  ['ORCPT', (value) => typeof value === 'string' && readOrcpt(value) !== undefined],
])

/** Undefined where the sender said nothing of it. */
export function notifyOf(mail: Parameters, rcpt: Parameters): Notify | undefined {
  if (mail.size === 0 && rcpt.size === 0) return undefined
  const on = readNotify(textOf(rcpt.get('NOTIFY')))
  const originalRecipient = readOrcpt(textOf(rcpt.get('ORCPT')))
  const envelopeId = decodeXtext(textOf(mail.get('ENVID')))
  const notify: Notify = {
    ...(on && { on }),
    ...(originalRecipient && { originalRecipient }),
    ...(envelopeId && { envelopeId }),
  }
  return Object.keys(notify).length > 0 ? notify : undefined
}

/** `NEVER` is an empty list. */
function readNotify(text: string): Notify['on'] {
  const words = text.toLowerCase().split(',')
  if (words.length === 1 && words[0] === 'never') return []
  const isList = words.every((word) => /^(?:success|failure|delay)$/.test(word))
  return isList ? (words as NonNullable<Notify['on']>) : undefined
}

/** `rfc822;a@b`, decoded. */
function readOrcpt(text: string): string | undefined {
  const [, type, address = ''] = /^([A-Za-z0-9-]{1,32});(.*)$/.exec(text) ?? []
  return type !== undefined && isXtext(address, MAX_ORCPT)
    ? `${type};${decodeXtext(address)}`
    : undefined
}

function textOf(value: string | true | undefined): string {
  return typeof value === 'string' ? value : ''
}
