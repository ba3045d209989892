// Which relayed mail belongs to which recorded message: the one for that recipient that was accepted and has
// nothing yet; of several the one with the same Message-ID, else the oldest. Policy that changes recipients
// leaves mail that belongs to none, which is told.
import { fieldValue, splitHeader } from '../mime/field.ts'
import type { RecordedSession } from './proxy.ts'
import type { DeliveredEntry, TapeEntry } from './tape.ts'
import { messagesIn } from './transcript.ts'

/** Mail as the next hop took it. */
export interface Relayed {
  readonly mailfrom: string
  readonly rcptto: string
  readonly bytes: Buffer
}

/** A recipient of an accepted message. */
interface Expected {
  readonly rcptto: string
  readonly session: RecordedSession
  /** The reply to the final dot, behind which what was delivered goes. */
  readonly reply: TapeEntry
  readonly messageId: string
}

export interface Matcher {
  /** To be called when more of a session is there. */
  look(session: RecordedSession): void
  /** False: nobody expected it. */
  take(relayed: Relayed): boolean
  /** How many recipients of the session have nothing yet. */
  missing(session: RecordedSession): number
  forget(session: RecordedSession): void
}

export function openMatcher(): Matcher {
  let expected: Expected[] = []
  /** Final replies whose recipients are expected, or were. */
  const known = new Set<TapeEntry>()
  return {
    look(session) {
      const fresh = acceptedIn(session).filter(({ reply }) => !known.has(reply))
      for (const one of fresh) known.add(one.reply)
      expected.push(...fresh)
    },
    take(relayed) {
      const rcptto = relayed.rcptto.toLowerCase()
      const messageId = messageIdOf(relayed.bytes)
      const candidates = expected.filter((one) => one.rcptto === rcptto)
      const match = candidates.find((one) => one.messageId === messageId) ?? candidates[0]
      if (!match) return false
      expected = expected.filter((one) => one !== match)
      insert(match, { kind: 'delivered', ...relayed })
      return true
    },
    missing: (session) => expected.filter((one) => one.session === session).length,
    forget(session) {
      expected = expected.filter((one) => one.session !== session)
      for (const entry of session.entries) known.delete(entry)
    },
  }
}

function insert({ session: { entries }, reply }: Expected, delivered: DeliveredEntry): void {
  let at = entries.indexOf(reply) + 1
  while (entries[at]?.kind === 'delivered') at++
  entries.splice(at, 0, delivered)
}

function acceptedIn(session: RecordedSession): Expected[] {
  return messagesIn(session.entries)
    .filter(({ reply }) => reply.text.startsWith('2'))
    .flatMap(({ rcpttos, message, reply }) => {
      const messageId = messageIdOf(message)
      return rcpttos.map((rcptto) => ({ rcptto, session, reply, messageId }))
    })
}

function messageIdOf(bytes: Buffer): string {
  const field = splitHeader(bytes).fields.find(({ key }) => key === 'message-id')
  return field ? fieldValue(field) : ''
}
