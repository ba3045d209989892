// Records what goes through a server: the sessions of its clients, and, where the server's next hop is our
// second listener, what it relays. A session is written once it has ended and everything of it that was
// accepted has been relayed, or some seconds later.
import type { HostPort } from '../config/config.ts'
import { openMatcher, type Relayed } from './capture.ts'
import { openProxy, type Proxy, type RecordedSession } from './proxy.ts'
import type { Tape } from './tape.ts'
import { addressIn, exchangesOf, isSettled } from './transcript.ts'

export interface RecorderOptions {
  readonly listen: HostPort
  readonly server: HostPort
  readonly tellsClient: boolean
  /** Where the server relays to, and the real next hop. */
  readonly capture: { readonly listen: HostPort; readonly nextHop: HostPort } | undefined
  /** How long a session waits for what is relayed of it. */
  readonly settleMs: number
  readonly now: () => number
  write(tape: Tape): void
  report(text: string): void
}

export interface Recorder {
  readonly address: HostPort
  readonly captureAddress: HostPort | undefined
  /** Ends all sessions; what they wait for is not waited for. */
  close(): Promise<void>
}

export async function openRecorder(options: RecorderOptions): Promise<Recorder> {
  const { capture, listen, server, tellsClient, now, report } = options
  const desk = openDesk(options)
  const common = { now, report }
  const outbound =
    capture &&
    (await openProxy({
      ...common,
      listen: capture.listen,
      server: capture.nextHop,
      tellsClient: false,
      onMessage: desk.relayed,
    }))
  let inbound: Proxy
  try {
    const { began: onOpen, ended: onSession } = desk
    inbound = await openProxy({ ...common, listen, server, tellsClient, onOpen, onSession })
  } catch (error) {
    await outbound?.close()
    throw error
  }
  return {
    address: inbound.address,
    captureAddress: outbound?.address,
    async close() {
      await inbound.close()
      await outbound?.close()
      desk.close()
    },
  }
}

/** Where sessions wait for what is relayed of them. */
function openDesk({ capture, settleMs, write, report }: RecorderOptions) {
  const matcher = openMatcher()
  const running = new Set<RecordedSession>()
  const waiting = new Map<RecordedSession, NodeJS.Timeout>()
  const finish = (session: RecordedSession): void => {
    clearTimeout(waiting.get(session))
    waiting.delete(session)
    matcher.forget(session)
    write({ ...session, isRedacted: false, isCaptured: capture !== undefined })
  }
  return {
    began: (session: RecordedSession) => void running.add(session),
    ended(session: RecordedSession): void {
      running.delete(session)
      matcher.look(session)
      const waits = capture !== undefined && matcher.missing(session) > 0
      if (waits) waiting.set(session, setTimeout(finish, settleMs, session))
      else finish(session)
    },
    relayed(session: RecordedSession): void {
      for (const client of [...running, ...waiting.keys()]) matcher.look(client)
      for (const mail of takeMail(session)) {
        if (matcher.take(mail)) continue
        report(
          `${mail.rcptto}: relayed, but sent by nobody: by policy, or policy changed the recipient`,
        )
      }
      for (const client of waiting.keys()) if (matcher.missing(client) === 0) finish(client)
    },
    close(): void {
      for (const session of waiting.keys()) finish(session)
    },
  }
}

/** What the next hop took, for each recipient that it took; each message once. Their octets are let go. */
function takeMail({ entries }: RecordedSession): Relayed[] {
  let mailfrom = ''
  let rcpttos: string[] = []
  const mail = exchangesOf({ entries }).flatMap(({ phase, line, reply = '', message }) => {
    if (phase === 'mailfrom') {
      mailfrom = addressIn(line)
      rcpttos = []
    }
    if (phase === 'rcptto' && reply.startsWith('2')) rcpttos.push(addressIn(line))
    const isTaken = message && message !== TAKEN && reply.startsWith('2')
    return isTaken ? rcpttos.map((rcptto) => ({ mailfrom, rcptto, bytes: message })) : []
  })
  entries.forEach((entry, i) => {
    if (entry.kind === 'message') entries[i] = { kind: 'message', bytes: TAKEN }
  })
  // A connection to the next hop may last for days.
  if (isSettled(entries)) entries.splice(1)
  return mail
}

const TAKEN = Buffer.alloc(0)
