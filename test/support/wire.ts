// A client for transcripts over real sockets: what a test sends, octet by octet, and the replies it
// waits for. Texts are byte strings. Nothing here has a time limit: the test's own ends a vain wait.
import { connect, type Socket } from 'node:net'

export interface Wire {
  send(octets: string | Buffer): void
  /** The next whole reply, all its lines, without the last CRLF. Rejects when the connection ended. */
  reply(): Promise<string>
  /** The next reply, which must begin with this; it is returned. */
  expect(start: string): Promise<string>
  /** Sends a line (CRLF is added) and returns its reply, which must begin with `start`. */
  ask(line: string, start: string): Promise<string>
  /** Everything that was received and not yet taken as a reply. */
  readonly unread: string
  /** When the server closed its side, or reset the connection. */
  readonly ended: Promise<void>
  /** Closes our side; replies still come. */
  end(): void
  /** Resets the connection. */
  reset(): void
  readonly socket: Socket
}

/** Connects; the greeting is the first reply. */
export async function dial(port: number, host = '127.0.0.1'): Promise<Wire> {
  const socket = connect({ port, host, allowHalfOpen: true, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return wireOf(socket)
}

/** The same on a socket that is connected already. */
export function wireOf(socket: Socket): Wire {
  let unread = ''
  let isEnded = false
  let wake = nobody
  const ended = new Promise<void>((resolve) => {
    const end = (): void => {
      isEnded = true
      wake()
      resolve()
    }
    socket.on('end', end)
    socket.on('close', end)
  })
  socket.on('data', (chunk: Buffer) => {
    unread += chunk.toString('latin1')
    wake()
  })
  // A reset shows as the end of the connection.
  socket.on('error', () => {})

  const reply = async (): Promise<string> => {
    for (;;) {
      const [whole] = WHOLE_REPLY.exec(unread) ?? []
      if (whole !== undefined) {
        unread = unread.slice(whole.length)
        return whole.slice(0, -2)
      }
      if (isEnded) throw new Error(`connection ended; unread: ${JSON.stringify(unread)}`)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  const expectReply = async (start: string): Promise<string> => {
    const text = await reply()
    if (!text.startsWith(start)) throw new Error(`expected ${start}, got ${JSON.stringify(text)}`)
    return text
  }
  const send = (octets: string | Buffer): void => {
    socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets)
  }
  return {
    send,
    reply,
    expect: expectReply,
    ask(line, start) {
      send(`${line}\r\n`)
      return expectReply(start)
    },
    get unread() {
      return unread
    },
    ended,
    end: () => socket.end(),
    reset: () => socket.resetAndDestroy(),
    socket,
  }
}

/** A promise that the test settles. */
export function later<T>(): { promise: Promise<T>; give: (value: T) => void } {
  let give!: (value: T) => void
  const promise = new Promise<T>((resolve) => {
    give = resolve
  })
  return { promise, give }
}

const nobody = (): void => {}

const WHOLE_REPLY = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r\n/
