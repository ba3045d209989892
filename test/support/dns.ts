// A DNS server of the tests' own, over UDP: a zone of answers by question, as `A example.com`.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import * as packet from 'dns-packet'
import type { Answer, DecodedPacket } from 'dns-packet'

type Data = string | Buffer | readonly Buffer[] | { preference: number; exchange: string }
/** Records, an answer code, or no answer at all. */
type Entry = readonly Data[] | 'SERVFAIL' | 'REFUSED' | 'silence'

export interface DnsServer {
  /** For Node and c-ares: address and port. */
  readonly address: string
  /** What was asked, `A example.com`, in order. */
  readonly asked: string[]
  readonly zone: Map<string, Entry>
  close(): void
}

/** A name that is in no question of the zone does not exist. */
export async function startDns(
  zone: Readonly<Record<string, Entry>>,
  ttlSeconds = 300,
): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const entries = new Map(Object.entries(zone))
  const asked: string[] = []
  socket.on('message', (octets, { port, address }) => {
    const query = packet.decode(octets)
    const [{ name, type } = { name: '', type: 'A' }] = query.questions ?? []
    const key = `${type} ${name.toLowerCase()}`
    asked.push(key)
    const entry = entries.get(key)
    if (entry === 'silence') return
    const isName = [...entries.keys()].some((one) => one.split(' ')[1] === name.toLowerCase())
    const code = typeof entry === 'string' ? RCODES[entry] : entry || isName ? 0 : 3
    const records = typeof entry === 'object' ? entry : []
    const answers = records.map((data) => ({ name, type, ttl: ttlSeconds, data }) as Answer)
    socket.send(replyTo(query, code, answers), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    zone: entries,
    close: () => void socket.close(),
  }
}

function replyTo({ id, questions = [] }: DecodedPacket, code: number, answers: Answer[]): Buffer {
  const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | code
  return packet.encode({ type: 'response', id: id ?? 0, flags, questions, answers })
}

const RCODES = { SERVFAIL: 2, REFUSED: 5 } as const
