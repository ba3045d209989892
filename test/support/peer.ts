// A scripted SMTP server on loopback, for tests of the relay. It obeys its script rather than the RFC:
// each verb has an answer, or a list of answers in turn of which the last one repeats.
import { createServer, type Server, type Socket } from 'node:net'

/** A reply without its CRLF; `drop` closes, `wedge` says nothing; a function does what it likes. */
export type Answer = string | ((socket: Socket, line: string) => void)

export type Step =
  | 'greeting'
  | 'EHLO'
  | 'HELO'
  | 'LHLO'
  | 'STARTTLS'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  | 'message'
  | 'RSET'
  | 'QUIT'

export interface Script extends Partial<Record<Step, Answer | readonly Answer[]>> {
  /** Bytes of a message after which the connection drops. */
  readonly dropAfterOctets?: number
  readonly isBytewise?: boolean
}

export interface Peer {
  readonly port: number
  /** Command lines of all connections, in order. */
  readonly commands: string[]
  /** Messages as sent: stuffed, without the final dot; or as a chunk. */
  readonly messages: string[]
  /** Chunks of octets as they came, to see what was written together. */
  readonly chunks: string[]
  /** The address that each connection came from. */
  readonly clients: string[]
  connections(): number
  readonly close: () => Promise<void>
}

const VERBS = ['EHLO', 'HELO', 'LHLO', 'STARTTLS', 'MAIL', 'RCPT', 'DATA', 'RSET', 'QUIT'] as const

const USUAL: Record<Step, Answer> = {
  greeting: '220 peer.test ESMTP',
  EHLO: '250-peer.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 1000000',
  HELO: '250 peer.test',
  LHLO: '250-peer.test\r\n250 PIPELINING',
  STARTTLS: '454 4.7.0 no TLS here',
  MAIL: '250 2.1.0 ok',
  RCPT: '250 2.1.5 ok',
  DATA: '354 go ahead',
  message: '250 2.0.0 queued',
  RSET: '250 2.0.0 reset',
  QUIT: '221 2.0.0 bye',
}

export async function startPeer(script: Script = {}): Promise<Peer> {
  const sockets = new Set<Socket>()
  const trickles = new WeakMap<Socket, { text: string }>()
  const turns = new Map<Step, number>()
  const peer: Pick<Peer, 'commands' | 'messages' | 'chunks' | 'clients'> = {
    commands: [],
    messages: [],
    chunks: [],
    clients: [],
  }
  let connections = 0

  const write = (socket: Socket, text: string): void => {
    const pending = trickles.get(socket) ?? { text: '' }
    if (!script.isBytewise) socket.write(text, 'latin1')
    else if (pending.text) pending.text += text
    else trickle(socket, Object.assign(pending, { text }))
    trickles.set(socket, pending)
  }
  const nextAnswer = (step: Step): Answer => {
    const answers = [script[step] ?? USUAL[step]].flat()
    const turn = turns.get(step) ?? 0
    turns.set(step, turn + 1)
    return answers[Math.min(turn, answers.length - 1)] ?? USUAL[step]
  }
  const act = (socket: Socket, step: Step, line: string): Answer => {
    const answer = nextAnswer(step)
    if (typeof answer === 'function') answer(socket, line)
    else if (answer === 'drop') socket.destroy()
    else if (answer === 'wedge') socket.removeAllListeners('data')
    else write(socket, `${answer}\r\n`)
    if (step === 'QUIT') socket.end()
    return answer
  }

  const server = createServer((socket) => {
    connections++
    peer.clients.push(socket.remoteAddress ?? '')
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let buffer = ''
    let isData = false
    /** Octets of a chunk that are still to come. */
    let chunkOctets: number | undefined
    socket.on('data', (chunk: Buffer) => {
      peer.chunks.push(chunk.toString('latin1'))
      buffer += chunk.toString('latin1')
      while (!socket.destroyed && socket.listenerCount('data') > 0) {
        if (isData && script.dropAfterOctets && buffer.length >= script.dropAfterOctets) {
          socket.destroy()
          return
        }
        if (chunkOctets !== undefined) {
          if (buffer.length < chunkOctets) return
          peer.messages.push(buffer.slice(0, chunkOctets))
          buffer = buffer.slice(chunkOctets)
          chunkOctets = undefined
          act(socket, 'message', '')
          continue
        }
        const end =
          isData && buffer.startsWith('.\r\n') ? -2 : buffer.indexOf(isData ? '\r\n.\r\n' : '\r\n')
        if (end === -1) return
        if (isData) {
          peer.messages.push(buffer.slice(0, Math.max(0, end + 2)))
          buffer = buffer.slice(end + 5)
          isData = false
          act(socket, 'message', '')
          continue
        }
        const line = buffer.slice(0, end)
        buffer = buffer.slice(end + 2)
        peer.commands.push(line)
        const chunk = /^BDAT (\d+) LAST$/.exec(line)
        if (chunk) {
          chunkOctets = Number(chunk[1])
          continue
        }
        const verb = VERBS.find((each) => line.toUpperCase().startsWith(each))
        // Such as TLS: nothing can be said to that.
        if (!verb) return void socket.destroy()
        const answer = act(socket, verb, line)
        isData = verb === 'DATA' && String(answer).startsWith('354')
      }
    })
    act(socket, 'greeting', '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    ...peer,
    port: portOf(server),
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen')
  return address.port
}

/** Octet by octet, in order: each in a segment of its own. */
function trickle(socket: Socket, pending: { text: string }): void {
  socket.write(pending.text.slice(0, 1), 'latin1', () => {
    pending.text = pending.text.slice(1)
    if (pending.text) setImmediate(() => trickle(socket, pending))
  })
}
