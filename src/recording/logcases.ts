// Sessions made from a Momentum's log files, so that a policy can be tested with what a server saw before
// anything was recorded. A line of rejectlog (manual page "log_formats.rejectlog") tells the commands up to
// the refusal by its context; lines of mainlog of one batch (type R, "log_formats.mainlog") the envelope of what
// was taken. Messages are in neither: what was refused after the final dot has a message made up, and of what
// was taken only the envelope is played.
import { readReply } from '../mail/reply.ts'
import type { Tape, TapeEntry } from './tape.ts'

export interface LogCases {
  readonly tapes: readonly Tape[]
  /** Lines that tell of no session. */
  readonly ignored: number
}

export function casesFromLog(text: string): LogCases {
  const tapes: Tape[] = []
  const batches = new Map<string, Reception[]>()
  let ignored = 0
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const rejection = tapeOfRejection(line)
    const reception = rejection ? undefined : readReception(line)
    if (rejection) tapes.push(rejection)
    else if (reception) {
      const key = `${reception.connectionId}@${reception.batchId}`
      batches.set(key, [...(batches.get(key) ?? []), reception])
    } else ignored++
  }
  return { tapes: [...tapes, ...[...batches.values()].map(tapeOfBatch)], ignored }
}

const REJECTION =
  /^(\d+): R="([^"]*?)(?::\d+)?" L="[^"]*" C="[^"]*".*? P="([^"]*)" E=(\d+) M=\S* CTXCONN=\[(.*?)\] CTXMESS=\[(.*)\] ?(.*)$/

/** Of no message, after DATA. */
const BODY = /body|rcptto list/

function tapeOfRejection(line: string): Tape | undefined {
  const [, seconds, peer = '', phase = '', code = '', connection = '', message = '', said = ''] =
    REJECTION.exec(line) ?? []
  if (seconds === undefined) return undefined
  const reply = readReply(said) ? said : `${code} ${said}`
  const [conn, mess] = [readPairs(connection), readPairs(message)]
  const commands = [conn.get('ehlo_string'), mess.get('mailfrom_string'), mess.get('rcptto_string')]
  const given = commands.filter((one): one is string => one !== undefined && one !== '')
  const isBody = BODY.test(phase)
  const entries: TapeEntry[] = [{ kind: 'reply', text: given.length === 0 ? reply : '220 ready' }]
  given.forEach((command, i) => {
    const isLast = i === given.length - 1 && !isBody
    entries.push(
      { kind: 'command', line: command },
      { kind: 'reply', text: isLast ? reply : '250 ok' },
    )
  })
  if (isBody) entries.push(...dataEntries(mess, reply))
  return tapeAt(Number(seconds), peer, entries)
}

function dataEntries(mess: ReadonlyMap<string, string>, reply: string): TapeEntry[] {
  const address = (name: string): string => /<([^>]*)>/.exec(mess.get(name) ?? '')?.[1] ?? ''
  const lines = [
    `From: <${address('mailfrom_string')}>`,
    `To: <${address('rcptto_string')}>`,
    'Subject: from a log',
    '',
    'from a log',
    '',
  ]
  return [
    { kind: 'command', line: 'DATA' },
    { kind: 'reply', text: '354 go on' },
    { kind: 'message', bytes: Buffer.from(lines.join('\r\n'), 'latin1') },
    { kind: 'reply', text: reply },
  ]
}

interface Reception {
  readonly seconds: number
  readonly batchId: string
  readonly connectionId: string
  readonly rcptto: string
  readonly mailfrom: string
  readonly peer: string
}

/** `ts@msgid@batchid@connid@R@rcptlocal@rcptdomain@fromlocal@fromdomain@ip@size@…` */
function readReception(line: string): Reception | undefined {
  const fields =
    line.match(/(?:\\.|[^@\\])*(?:@|$)/g)?.map((field) => field.replace(/@$/, '')) ?? []
  const [seconds = '', , batchId = '', connectionId = '', type, ...rest] = fields
  const [toLocal, toDomain, fromLocal, fromDomain, peer = ''] = rest.map((field) =>
    field.replace(/\\(.)/g, '$1'),
  )
  if (type !== 'R' || !/^\d+$/.test(seconds)) return undefined
  return {
    seconds: Number(seconds),
    batchId,
    connectionId,
    rcptto: addressOf(toLocal, toDomain),
    mailfrom: addressOf(fromLocal, fromDomain),
    peer,
  }
}

function addressOf(local = '', domain = ''): string {
  return domain === '' ? local : `${local}@${domain}`
}

function tapeOfBatch(receptions: readonly Reception[]): Tape {
  const [first] = receptions
  const lines = [
    'EHLO client.example',
    `MAIL FROM:<${first?.mailfrom ?? ''}>`,
    ...receptions.map(({ rcptto }) => `RCPT TO:<${rcptto}>`),
    'RSET',
  ]
  const entries = lines.flatMap((line): TapeEntry[] => [
    { kind: 'command', line },
    { kind: 'reply', text: '250 ok' },
  ])
  return tapeAt(first?.seconds ?? 0, first?.peer ?? '', [
    { kind: 'reply', text: '220 ready' },
    ...entries,
  ])
}

function tapeAt(seconds: number, peer: string, entries: readonly TapeEntry[]): Tape {
  const quit: TapeEntry[] = [
    { kind: 'command', line: 'QUIT' },
    { kind: 'reply', text: '221 bye' },
    { kind: 'end', how: 'quit' },
  ]
  const isRefused =
    entries.length === 1 && entries[0]?.kind === 'reply' && !entries[0].text.startsWith('2')
  const end: TapeEntry[] = isRefused ? [{ kind: 'end', how: 'gone' }] : quit
  return {
    peer: peer.replace(/^\[|\]$/g, ''),
    began: new Date(seconds * 1000).toISOString(),
    isRedacted: false,
    isCaptured: false,
    entries: [...entries, ...end],
  }
}

/** `k=v,k="quoted v"`, control characters as `\xHH`. */
function readPairs(text: string): Map<string, string> {
  const pairs = new Map<string, string>()
  for (const [, key = '', quoted, bare = ''] of text.matchAll(
    /([^=,]+)=(?:"((?:\\.|[^"\\])*)"|([^,]*))(?:,|$)/g,
  )) {
    const value = quoted === undefined ? bare : quoted.replace(/\\(["\\])/g, '$1')
    pairs.set(
      key,
      value.replace(/\\x([0-9A-F]{2})/g, (_, hex: string) =>
        String.fromCharCode(parseInt(hex, 16)),
      ),
    )
  }
  return pairs
}
