// The client's side of a dialogue without a socket: octets go in as a client would send them, replies come
// out. Line lengths, dots, lone line ends and limits are the dialogue's own, as they are for a socket.
import type { Conversation, TlsFacts } from '../smtp/conversation.ts'
import { openDialogue } from '../smtp/dialogue.ts'
import type { Wire } from '../smtp/dialoguestate.ts'

/** What the server said: byte strings. Several lines are apart by `\n`; codes are taken off. */
export interface SaidReply {
  readonly code: number
  /** With the enhanced code, if there is one. */
  readonly text: string
}

export interface Client {
  /** The greeting. */
  greeting(): Promise<SaidReply>
  /** One command line, without its line end. A closed connection answers 421. */
  say(line: string): Promise<SaidReply>
  /** DATA, then the octets: CRLF line ends, not dot-stuffed. The reply is the final dot's, or DATA's refusal. */
  data(bytes: Buffer): Promise<SaidReply>
  readonly isClosed: boolean
}

export interface ClientOptions {
  readonly tls: TlsFacts
  /** Nothing is heard: lets time go on to what is due next; false: nothing is. */
  step(): boolean
  /** A bug of the conversation. */
  report(error: unknown): void
}

const CLOSED: SaidReply = { code: 421, text: 'the connection is closed' }

export function openClient(conversation: Conversation, options: ClientOptions): Client {
  const handshake = (resume: () => void): void =>
    void setImmediate(() => {
      resume()
      dialogue.secured(options.tls)
    })
  const ear = openEar(handshake, () => options.step())
  const dialogue = openDialogue(conversation, ear.wire, {
    idleSeconds: 0,
    dataSeconds: 600,
    maxBadCommands: 20,
    report: options.report,
  })
  // The dialogue has used up what it was given when it says something: then it may be given more.
  const send = (octets: Buffer): Promise<SaidReply> => {
    if (ear.isClosed()) return Promise.resolve(CLOSED)
    dialogue.take(octets, () => {})
    return ear.listen()
  }

  return {
    greeting() {
      dialogue.greet()
      return ear.listen()
    },
    say: (line) => send(Buffer.from(`${line}\r\n`, 'latin1')),
    async data(bytes) {
      const ready = await send(Buffer.from('DATA\r\n'))
      return ready.code === 354 ? send(stuffed(bytes)) : ready
    },
    get isClosed() {
      return ear.isClosed()
    },
  }
}

/** Hears what the dialogue says. */
function openEar(handshake: (resume: () => void) => void, step: () => boolean) {
  let heard = ''
  let isClosed = false
  let wake = (): void => {}
  const close = (): void => {
    isClosed = true
    wake()
  }
  const wire: Wire = {
    write(replies) {
      heard += replies
      wake()
      return true
    },
    end: close,
    startTls: (_, resume) => handshake(resume),
    abort: close,
  }
  return {
    wire,
    isClosed: () => isClosed,
    /** Resolves with the next whole reply. */
    async listen(): Promise<SaidReply> {
      for (;;) {
        const [whole] = REPLY.exec(heard) ?? []
        if (whole !== undefined) {
          heard = heard.slice(whole.length)
          return readReply(whole)
        }
        if (isClosed) return CLOSED
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), quiet(step)])
      }
    },
  }
}

/** Who works gets a moment before time jumps to what is waited for; files take a little longer. */
async function quiet(step: () => boolean): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>(setImmediate)
  if (!step()) await new Promise<void>((resolve) => setTimeout(resolve, 1))
}

const REPLY = /^(?:\d\d\d-[^\r]*\r\n)*\d\d\d(?: [^\r]*)?\r\n/

function readReply(whole: string): SaidReply {
  const lines = whole.slice(0, -2).split('\r\n')
  return {
    code: Number(lines[0]?.slice(0, 3)),
    text: lines.map((line) => line.slice(4)).join('\n'),
  }
}

/** With the final dot (RFC 5321 §4.5.2). */
function stuffed(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(/^\./, '..').replaceAll('\r\n.', '\r\n..')
  const end = text === '' || text.endsWith('\r\n') ? '.\r\n' : '\r\n.\r\n'
  return Buffer.from(text + end, 'latin1')
}
