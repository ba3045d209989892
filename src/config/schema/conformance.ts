// Options about what a message and an envelope must be like (Momentum manual, pages "conf.ref.rfc2821_…",
// "conf.ref.rfc2822_…" and those of the names). By default nothing is added to a message, and nothing is
// refused for lines or fields that it lacks.
import { BOOLEAN, HOSTNAME, oneOf, scalar, type Type } from '../value.ts'
import { LISTENER, option, optional } from './option.ts'

const GLOBAL_TOO = ['global', ...LISTENER]
const PATHWAYS = ['global', 'pathway', 'pathway_group']

/** Octets of a line, without its end, in a message that is as RFC 5322 §2.1.1 has it. */
export const LONGEST_LINE = 998

export type LineLimit = 'ignore' | 'pedantic' | 'fix' | number

const LINE_LIMIT: Type<LineLimit> = scalar('ignore, pedantic, fix or a number', (text) => {
  const word = text.toLowerCase()
  if (word === 'ignore' || word === 'pedantic' || word === 'fix') return word
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined
})

export const CONFORMANCE = {
  missingHeaders: option('rfc2822_missing_headers', oneOf('allow', 'reject'), 'allow', PATHWAYS),
  dateHeader: option(
    'rfc2822_date_header',
    oneOf('ignore', 'ifneeded', 'pedantic'),
    'ignore',
    PATHWAYS,
  ),
  messageIdHeader: option(
    'rfc2822_messageid_header',
    oneOf('ignore', 'ifneeded'),
    'ignore',
    PATHWAYS,
  ),
  lineLimit: option<LineLimit>('rfc2822_max_line_length', LINE_LIMIT, 'ignore', PATHWAYS),
  /** What a line is given that is longer than a limit in numbers. */
  lineLimitPolicy: option(
    'rfc2822_max_line_length_policy',
    oneOf('none', 'fix', 'reject'),
    'none',
    PATHWAYS,
  ),
  /** Whether misplaced dots in a local part are refused. */
  isPedantic: option('rfc2821_pedantic_address_rules', BOOLEAN, true, PATHWAYS),
  /** Blanks at the end of MAIL and RCPT; RFC 5321 §4.1.1 asks for patience. */
  allowsTrailingBlanks: option('rfc2821_allow_whitespace_in_envelope', BOOLEAN, true, PATHWAYS),
  /** Blanks between an address and its brackets. */
  allowsBlanksInPath: option('allow_trailing_whitespace_in_commands', BOOLEAN, false, GLOBAL_TOO),
  allowsIpLiteral: option('allow_ip_literal', BOOLEAN, true, GLOBAL_TOO),
  senderDomain: optional('domain_for_unqualified_sender_address', HOSTNAME, GLOBAL_TOO),
  recipientDomain: optional('domain_for_unqualified_recipient_addresses', HOSTNAME, GLOBAL_TOO),
}
