// A mail sink for the demo: takes everything on a free port of loopback and keeps it in memory.
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface SunkMail {
  readonly mailfrom: string
  readonly rcptto: string
  readonly bytes: Buffer
}

export interface Sink {
  readonly port: number
  readonly mail: readonly SunkMail[]
  /** Resolves when that many have arrived; rejects after `timeoutMs`. */
  waitFor(count: number, timeoutMs: number): Promise<void>
  close(): Promise<void>
}

export async function openSink(): Promise<Sink> {
  const mail: SunkMail[] = []
  let arrived = (): void => {}
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => void chunks.push(chunk))
      stream.on('end', () => {
        const bytes = Buffer.concat(chunks)
        const mailfrom = session.envelope.mailFrom ? session.envelope.mailFrom.address : ''
        for (const { address } of session.envelope.rcptTo) {
          mail.push({ mailfrom, rcptto: address, bytes })
        }
        done()
        arrived()
      })
    },
  })
  // A client that resets its connection has not delivered: that is all there is to it.
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    port: (server.server.address() as AddressInfo).port,
    mail,
    waitFor: (count, timeoutMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          reject(new Error(`only ${mail.length} of ${count} mails arrived in ${timeoutMs} ms`))
        }, timeoutMs)
        arrived = () => {
          if (mail.length < count) return
          clearTimeout(timer)
          resolve()
        }
        arrived()
      }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
