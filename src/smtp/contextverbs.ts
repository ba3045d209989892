// XSETCONTEXT and XDUMPCONTEXT (Momentum manual page "esmtp_listener.extensions"): an injector sets
// connection variables over SMTP, and sees both dictionaries. Legal at any time, also in a transaction.
import { printable } from '../events/lines.ts'
import type { ContextVariables } from '../mail/context.ts'
import type { Reply } from '../mail/reply.ts'
import type { Command } from './conversation.ts'
import type { Session } from './state.ts'
import { decodeXtext } from './xtext.ts'

/** All pairs of one command are set, or none. */
export function setContext(session: Session, { argument }: Command): Reply {
  const pairs = readPairs(argument, session.surroundings.options.xsetcontextDeny)
  if (typeof pairs === 'string') return { code: 501, enhanced: '5.5.4', text: pairs }
  const { connection } = session.context
  const added = new Set(pairs.map(([name]) => name).filter((name) => !connection.has(name)))
  if (connection.size + added.size > MAX_VARIABLES) {
    return { code: 501, enhanced: '5.5.4', text: 'too many variables' }
  }
  for (const [name, value] of pairs) {
    connection.set(name, value)
    session.injected.add(name)
  }
  return { code: 250, enhanced: '2.0.0', text: 'XSETCONTEXT OK' }
}

export function dumpContext(session: Session, { argument }: Command): Reply {
  if (argument) return { code: 501, enhanced: '5.5.4', text: 'no parameters allowed' }
  const lines = [
    ...dumpLines('connection', session.context.connection),
    ...dumpLines('message', session.context.message),
    'XDUMPCONTEXT complete',
  ]
  return { code: 250, text: lines.join('\n') }
}

/** Of a connection: each copy of each of its messages carries them all. */
const MAX_VARIABLES = 1000

function readPairs(
  argument: string,
  denied: readonly RegExp[],
): readonly (readonly [string, string])[] | string {
  const words = argument.split(/[ \t]+/).filter((word) => word !== '')
  if (words.length === 0) return 'XSETCONTEXT needs name=value'
  const pairs: [string, string][] = []
  for (const word of words) {
    const equals = word.indexOf('=')
    if (equals <= 0) return 'XSETCONTEXT needs name=value'
    const name = decodeXtext(word.slice(0, equals))
    const value = decodeXtext(word.slice(equals + 1))
    if (name === undefined || value === undefined) return 'bad xtext'
    if (/\0/.test(name + value)) return 'NUL is not allowed'
    if (denied.some((pattern) => pattern.test(name))) return 'this variable may not be set'
    pairs.push([name, value])
  }
  return pairs
}

function dumpLines(dictionary: string, variables: ContextVariables): string[] {
  return [...variables]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `[${dictionary}] ${printable(name)} ${printable(value)}`)
}
