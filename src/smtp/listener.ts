// A listening socket and the sessions that came through it. Times in seconds unless named otherwise.
import { SmtpServer } from './connection.ts'
import type { Control } from './control.ts'
import type { Conversation, Peer } from './conversation.ts'

export interface ListenerOptions {
  readonly host: string
  /** 0: any free one, see `Listener.address`. */
  readonly port: number
  /** Sessions at once; more are answered 421 4.4.5. Default: no limit. */
  readonly maxSessions?: number
  /** The time for a whole command, or for the next octets of data. */
  readonly idleSeconds: number
  /** The time for all the data of one message. Default 600. */
  readonly dataSeconds?: number
  /** Replies 500 to 504 before 421. Default 20. */
  readonly maxBadCommands?: number
  /** See `ServerSettings`. */
  readonly proxySeconds?: (remoteAddress: string) => number | undefined
  readonly converse: (peer: Peer, control: Control) => Conversation
  /** Bugs of a Conversation, and errors of accepting; the listener goes on. */
  readonly report: (error: unknown) => void
}

export interface Listener {
  readonly address: { readonly host: string; readonly port: number }
  readonly sessions: number
  /** Connections since it was opened. */
  readonly taken: number
  /** Accepts no more, lets commands finish for at most the grace, then ends every session. */
  close(graceMs: number): Promise<void>
}

/** Rejects when the address cannot be bound. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const server = new SmtpServer({
    maxSessions: options.maxSessions ?? 0,
    idleSeconds: options.idleSeconds,
    dataSeconds: options.dataSeconds ?? 600,
    maxBadCommands: options.maxBadCommands ?? 20,
    converse: options.converse,
    ...(options.proxySeconds && { proxySeconds: options.proxySeconds }),
    report: options.report,
  })
  let taken = 0
  server.server.on('connection', () => taken++)
  const address = await server.bind(options.host, options.port)
  return {
    address,
    get sessions() {
      return server.sessions
    },
    get taken() {
      return taken
    },
    close: (graceMs) => server.drain(graceMs),
  }
}
