// A next hop that outlives the servers that deliver to it: it knows what it took when, refuses recipients that
// are called nobody, and puts off those called later once. smtp-server speaks SMTP.
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface KeptMail {
  readonly rcptto: string
  /** A byte string. */
  readonly bytes: string
  /** When, as performance.now tells. */
  readonly atMs: number
}

export interface KeptSink {
  readonly port: number
  readonly mail: readonly KeptMail[]
  /** The next message is taken, but its reply held until `release`; resolves when it is there. */
  holdNext(): Promise<void>
  release(): void
  /** Resolves when a recipient has been refused. */
  refusal(): Promise<void>
  /** A server that delivered here was killed. */
  died(atMs: number): void
  /** What came more than once, and how long before the next death of a server the first of it was there. */
  repeated(): { readonly duplicates: readonly { rcptto: string; sinceDeathMs: number }[] }
  close(): Promise<void>
}

export async function openKeptSink(): Promise<KeptSink> {
  const mail: KeptMail[] = []
  const deaths: number[] = []
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
        const atMs = performance.now()
        for (const { address } of session.envelope.rcptTo) {
          mail.push({ rcptto: address, bytes, atMs })
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
    died: (atMs) => void deaths.push(atMs),
    repeated() {
      const first = new Map<string, number>()
      const duplicates: { rcptto: string; sinceDeathMs: number }[] = []
      for (const { rcptto, atMs, bytes } of mail) {
        const key = `${rcptto} ${/^Final-Recipient: .*/m.exec(bytes)?.[0] ?? ''}`
        const before = first.get(key)
        if (before === undefined) {
          first.set(key, atMs)
          continue
        }
        const death = deaths.find((each) => each >= before) ?? Infinity
        duplicates.push({ rcptto, sinceDeathMs: death - before })
      }
      return { duplicates }
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
