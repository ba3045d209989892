// A next hop that outlives the servers that deliver to it: it knows what it took when, refuses recipients that
// are called nobody, and puts off those called later once. smtp-server speaks SMTP.
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface KeptMail {
  readonly rcptto: string
  /** A byte string. */
  readonly bytes: string
  /** Which of the servers it came from. */
  readonly server: number
  /** On the clock of `performance`. */
  readonly takenMs: number
}

export interface KeptSink {
  readonly port: number
  readonly mail: readonly KeptMail[]
  /** The next message is taken, but its reply held until `release`; resolves when it is there. */
  holdNext(): Promise<void>
  release(): void
  /** Resolves when a recipient has been refused. */
  refusal(): Promise<void>
  /** Another server delivers from now on. */
  succeed(): void
  /** What came again, from whom it had come before, and whether from one and the same server. */
  repeated(): readonly { readonly before: KeptMail; readonly isOfOneServer: boolean }[]
  close(): Promise<void>
}

export async function openKeptSink(): Promise<KeptSink> {
  const mail: KeptMail[] = []
  let servers = 0
  const putOff = new Set<string>()
  let held: (() => void) | undefined
  let onHeld: (() => void) | undefined
  let onRefused = (): void => {}
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    logger: false,
    onRcptTo({ address }, _, done) {
      if (address.startsWith('nobody')) {
        onRefused()
        return done(Object.assign(new Error('no such user'), { responseCode: 550 }))
      }
      if (!address.startsWith('later') || putOff.has(address)) return done()
      putOff.add(address)
      return done(Object.assign(new Error('later'), { responseCode: 450 }))
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => void chunks.push(chunk))
      stream.on('end', () => {
        const bytes = Buffer.concat(chunks).toString('latin1')
        for (const { address } of session.envelope.rcptTo) {
          mail.push({ rcptto: address, bytes, server: servers, takenMs: performance.now() })
        }
        if (!onHeld) return done()
        held = done
        onHeld()
        onHeld = undefined
      })
    },
  })
  // A client that was killed has reset its connection: that is what this is about.
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    port: (server.server.address() as AddressInfo).port,
    mail,
    holdNext: () => new Promise((resolve) => (onHeld = resolve)),
    release() {
      held?.()
      held = undefined
    },
    refusal: () => new Promise((resolve) => (onRefused = resolve)),
    succeed: () => void servers++,
    repeated() {
      const last = new Map<string, KeptMail>()
      return mail.flatMap((each) => {
        const key = `${each.rcptto} ${/^Final-Recipient: .*/m.exec(each.bytes)?.[0] ?? ''}`
        const before = last.get(key)
        last.set(key, each)
        return before ? [{ before, isOfOneServer: before.server === each.server }] : []
      })
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
