// A plain SMTP client for the demo that shows what it says and hears.
import { connect, type Socket } from 'node:net'

export interface Injector {
  /** Sends a line and returns the reply to it; throws when that is not of the expected class. */
  say(line: string, expected?: string): Promise<string>
  /** Sends a message after DATA, dot-stuffed, and returns the final reply. */
  data(message: Buffer): Promise<string>
}

export interface Dialogue extends Injector {
  close(): void
}

export async function openInjector(
  port: number,
  show: (direction: '>' | '<', line: string) => void,
): Promise<Dialogue> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const replies = readReplies(socket)
  const hear = async (expected: string): Promise<string> => {
    const { value, done } = await replies.next()
    if (done || value === undefined) throw new Error('the server closed the connection')
    for (const line of value.split('\r\n')) show('<', line)
    if (!value.startsWith(expected)) throw new Error(`expected ${expected}xx, got: ${value}`)
    return value
  }
  await hear('2')
  const say = (line: string, expected = '2'): Promise<string> => {
    show('>', line)
    socket.write(`${line}\r\n`)
    return hear(expected)
  }
  return {
    say,
    async data(message) {
      await say('DATA', '3')
      show('>', `(${message.length} octets of message)`)
      socket.write(message.toString('latin1').replace(/^\./gm, '..'), 'latin1')
      socket.write('.\r\n')
      return hear('2')
    },
    close: () => socket.destroy(),
  }
}

async function* readReplies(socket: Socket): AsyncGenerator<string> {
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r\n/.exec(text)
      if (!match) break
      yield match[0].trimEnd()
      text = text.slice(match[0].length)
    }
  }
}
