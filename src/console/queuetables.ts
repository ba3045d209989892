// Tables and texts of queued mail as Momentum's console prints them (manual pages "console_commands.mailq",
// "showqueue", "message_details", "fail_domain").
import type { Answer } from '../http/control.ts'
import { toText } from '../mail/bytes.ts'
import { DEFAULT_EGRESS } from '../mail/envelope.ts'
import type { Row } from './queuewalk.ts'

export interface MailqRow {
  readonly group: string
  readonly binding: string
  readonly domain: string
  readonly active: number
  readonly delayed: number
}

export interface MailqRange {
  /** Empty: all. */
  readonly domains: readonly string[]
  readonly bindings: readonly string[]
  /** Of the text; data has all. */
  readonly limit: number
}

const WIDTH = 58
const MAILQ_HEAD = [
  `${'Group/Binding'.padEnd(WIDTH - 6)}Domain${'AQ'.padStart(8)}${'DQ'.padStart(8)}`,
  '-'.repeat(WIDTH + 16),
]

/** By group and binding, and there the longest queue first. */
export function mailqTable(rows: readonly MailqRow[], range: MailqRange): Answer {
  const { domains, bindings, limit } = range
  const data = rows
    .filter(({ domain }) => domains.length === 0 || domains.includes(domain))
    .filter(({ binding }) => bindings.length === 0 || bindings.includes(binding))
    .toSorted((a, b) => compare(wayOf(a), wayOf(b)) || sizeOf(b) - sizeOf(a))
  const lines = data.slice(0, limit).map((row) => {
    const way = wayOf(row)
    const counts = [row.active, row.delayed].map((count) => String(count).padStart(8))
    return `${way} ${row.domain.padStart(WIDTH - 1 - way.length)}${counts.join('')}`
  })
  const more = data.length - lines.length
  const rest = more > 0 ? [`${more} more: mailq --limit ${data.length}`] : []
  return { isOk: true, text: textOf([...MAILQ_HEAD, ...lines, ...rest]), data }
}

/** `-d DOMAIN`, `-b BINDING`, `-l NUMBER`, the first two any number of times; undefined: something else. */
export function mailqRange(words: readonly string[]): MailqRange | undefined {
  const domains: string[] = []
  const bindings: string[] = []
  let limit = 20
  for (let i = 0; i < words.length; i += 2) {
    const value = words[i + 1]
    if (value === undefined) return undefined
    switch (words[i]) {
      case '-d':
      case '--domain':
        domains.push(value.toLowerCase())
        break
      case '-b':
      case '--binding':
        bindings.push(value)
        break
      case '-l':
      case '--limit':
        limit = Number(value)
        break
      default:
        return undefined
    }
  }
  return Number.isInteger(limit) && limit >= 0 ? { domains, bindings, limit } : undefined
}

/** Two lines for each message. */
export function queueLines({ entry, of, state }: Row, nowMs: number): string[] {
  const queue = isDelayed(state, nowMs) ? 'delayed' : 'active'
  const { binding } = of.egress ?? DEFAULT_EGRESS
  return [
    `[${queue}/${toText(binding)}] ${of.id} Created: ${Math.floor(entry.receivedMs / 1000)}`,
    `  From: <${toText(of.mailfrom)}> To: <${toText(of.rcptto)}>`,
  ]
}

export function detailLines({ entry, of, state }: Row): string[] {
  const { group, binding } = of.egress ?? DEFAULT_EGRESS
  const facts: readonly (readonly [name: string, value: string | number])[] = [
    ['Created', timeText(entry.receivedMs)],
    ['Next Attempt', state.nextAttemptMs > 0 ? timeText(state.nextAttemptMs) : 'now'],
    ['Retries', state.attempts],
    ['Received Via', entry.facts['recv_method'] === 'internal' ? 'internal' : 'SMTP'],
    ['Sender', toText(of.mailfrom)],
    ['Recipient', toText(of.rcptto)],
    ['Code', toText(state.note)],
    ['Size', of.sizeBytes],
    ['Routing Domain', toText(of.routingDomain)],
    ['Binding', `${toText(group)}/${toText(binding)}`],
  ]
  return [
    `Message: ${of.id}`,
    'Message Type: full message',
    ...facts.map(([name, value]) => `${name.padStart(22)}: ${value}`.trimEnd()),
  ]
}

export function isDelayed({ attempts, nextAttemptMs }: Row['state'], nowMs: number): boolean {
  return attempts > 0 && nextAttemptMs > nowMs
}

/** UTC. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
}

function wayOf({ group, binding }: MailqRow): string {
  return `${group}/${binding}`
}

function sizeOf({ active, delayed }: MailqRow): number {
  return active + delayed
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

export function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
