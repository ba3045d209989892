// What the reply to EHLO offers (Momentum manual page "esmtp_listener.extensions").
import { offeredMechanisms } from './auth.ts'
import { offersTls } from './starttls.ts'
import type { Session } from './state.ts'

/** What XCLIENT may say, in the order of its line. */
export const XCLIENT_ATTRIBUTES = [
  'NAME',
  'ADDR',
  'PORT',
  'PROTO',
  'HELO',
  'LOGIN',
  'DESTADDR',
  'DESTPORT',
]

/** Extensions that exist without being listed. */
const ALWAYS = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES']

/** Those that a scope lists, and their lines. */
const LISTED: Readonly<Record<string, string>> = {
  DSN: 'DSN',
  XCLIENT: `XCLIENT ${XCLIENT_ATTRIBUTES.join(' ')}`,
  XDUMPCONTEXT: 'XDUMPCONTEXT',
  XREMOTEIP: 'XREMOTEIP',
  XSETCONTEXT: 'XSETCONTEXT',
}

export function capabilities(session: Session): string[] {
  const { extensions, maxMessageSize } = session.surroundings.options
  const { added, removed } = session.ac.capabilities
  const listed = Object.entries(LISTED).filter(([name]) => extensions.has(name))
  const own = [
    ...ALWAYS,
    `SIZE ${maxMessageSize}`,
    ...(offersTls(session) ? ['STARTTLS'] : []),
    ...authLines(session),
    ...listed.map(([, line]) => line),
  ]
  return [...own.filter((line) => !removed.has(line.split(/[ =]/, 1)[0] ?? '')), ...added]
}

/** Twice: some old clients know only the form with the equals sign. */
function authLines(session: Session): string[] {
  const mechanisms = offeredMechanisms(session).join(' ')
  return mechanisms === '' ? [] : [`AUTH ${mechanisms}`, `AUTH=${mechanisms}`]
}
