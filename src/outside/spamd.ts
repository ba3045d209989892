// A SpamAssassin daemon, by its SPAMC protocol: one question to a connection (SpamAssassin, "spamd/PROTOCOL").
import { connect, isIP } from 'node:net'
import type { Target } from '../config/nexthop.ts'
import { fromBytes } from '../mail/bytes.ts'
import { withDeadline } from '../mail/deadline.ts'
import type { Resolver, SpamAnswer, SpamScanner } from './outside.ts'

export interface SpamdOptions {
  readonly daemon: Target
  readonly timeoutMs: number
  readonly resolver: Resolver
}

const PORT = 783
const MAX_ANSWER = 64 * 1024

export function spamdScanner({ daemon, timeoutMs, resolver }: SpamdOptions): SpamScanner {
  return {
    scan: (message, signal) =>
      withDeadline(timeoutMs, signal, async (limit) => {
        try {
          const host = await addressOf(daemon.host, resolver)
          return readAnswer(await ask(host, daemon.port ?? PORT, message, limit))
        } catch (error) {
          if (limit.aborted) return failed(`no answer within ${timeoutMs / 1000} s`)
          return failed(error instanceof Error ? error.message : String(error))
        }
      }),
  }
}

async function addressOf(host: string, resolver: Resolver): Promise<string> {
  if (isIP(host)) return host
  if (host.toLowerCase() === 'localhost') return '127.0.0.1'
  const answer = await resolver.ask({ name: host, type: 'A' })
  const [address] = answer.kind === 'found' ? answer.records : []
  if (address === undefined) throw new Error(`${host} has no address`)
  return address
}

function ask(host: string, port: number, message: Buffer, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal })
    const chunks: Buffer[] = []
    let size = 0
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > MAX_ANSWER) socket.destroy(new Error('the answer is too long'))
    })
    socket.on('error', reject)
    socket.on('end', () => {
      socket.destroy()
      resolve(fromBytes(Buffer.concat(chunks)))
    })
    socket.on('close', () => reject(new Error('the connection was closed')))
    socket.write(`SYMBOLS SPAMC/1.2\r\nContent-length: ${message.length}\r\n\r\n`)
    socket.write(message)
  })
}

/** `SPAMD/1.1 0 EX_OK`, `Spam: True ; 7.1 / 5.0`, and the symbols after an empty line. */
function readAnswer(text: string): SpamAnswer {
  const [head = '', body = ''] = text.split(/\r?\n\r?\n/s, 2)
  if (!/^SPAMD\/1\.\d+ 0 EX_OK/.test(head)) return failed(`it says: ${head.split(/\r?\n/)[0]}`)
  const [, word = '', score, threshold] =
    /^Spam: *(true|false|yes|no) *; *(-?[\d.]+) *\/ *(-?[\d.]+)/im.exec(head) ?? []
  if (score === undefined) return failed('no verdict in its answer')
  return {
    kind: 'scanned',
    isSpam: /^(?:true|yes)$/i.test(word),
    score: Number(score),
    threshold: Number(threshold),
    symbols: body.trim().split(/\r?\n/)[0] ?? '',
  }
}

function failed(text: string): SpamAnswer {
  return { kind: 'failed', text }
}
