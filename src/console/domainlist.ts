// Domains with their queues, what was sent there and the connections at it, one row each, as `active`, `delayed` and
// `domain all` of Momentum's console show them: of every domain that has mail, or had some since the start.
import type { DomainRecords } from '../observing/domainrecords.ts'
import type { Answer } from '../http/control.ts'
import { toText } from '../mail/bytes.ts'
import { DEFAULT_EGRESS } from '../mail/envelope.ts'
import type { QueuedMail } from '../queuedmail.ts'
import { isDelayed, textOf } from './queuetables.ts'
import { STEP, tally, turn } from './queuewalk.ts'
import type { Dispatcher } from '../relay/dispatcher.ts'
import type { Route } from '../relay/route.ts'

/** What is known of domains. */
export interface DomainSources {
  readonly mail: Pick<QueuedMail, 'unfinished'>
  readonly records: Pick<DomainRecords, 'all' | 'of'>
  readonly relay: Pick<Dispatcher, 'route' | 'connections'>
}

export interface DomainCounts {
  /** Undefined where it cannot be told: domains that share a next hop share its connections. */
  readonly connections?: number | undefined
  /** Those on their way are counted, too. */
  readonly active: number
  readonly delayed: number
  readonly sent: number
}

export interface DomainRow extends DomainCounts {
  readonly domain: string
}

export interface DomainList {
  readonly domains: readonly DomainRow[]
  /** Of all domains, also those that are not listed. */
  readonly total: DomainCounts
}

/** As far as the console tells ways apart; byte strings. */
export interface WayName {
  readonly domain: string
  readonly group: string
  readonly binding: string
}

export interface WayCounts extends WayName {
  active: number
  delayed: number
  sent: number
}

/** Of the ways that pass. */
export async function waysOf(
  { mail, records }: Pick<DomainSources, 'mail' | 'records'>,
  nowMs: number,
  isWanted: (way: WayName) => boolean,
): Promise<WayCounts[]> {
  const ways = new Map<string, WayCounts>()
  const countsOf = ({ domain, group, binding }: WayName): WayCounts => {
    const key = `${group}/${binding} ${domain}`
    const known = ways.get(key)
    if (known) return known
    const made = { domain, group, binding, active: 0, delayed: 0, sent: 0 }
    ways.set(key, made)
    return made
  }
  for (const row of await tally(mail, (state) => isDelayed(state, nowMs))) {
    if (!isWanted(row)) continue
    const { active, delayed } = row
    Object.assign(countsOf(row), { active, delayed })
  }
  for (const record of records.all())
    if (isWanted(record)) countsOf(record).sent = record.deliveries
  return [...ways.values()]
}

/** By all bindings, or by this one. */
export async function domainList(
  sources: DomainSources,
  nowMs: number,
  binding?: string,
): Promise<DomainList> {
  const isWanted = (at: Pick<WayName, 'binding'>): boolean =>
    binding === undefined || toText(at.binding) === binding
  const rows: DomainRow[] = []
  for (const way of await waysOf(sources, nowMs, isWanted)) {
    if (rows.length % STEP === STEP - 1) await turn()
    const { domain, active, delayed, sent } = way
    const connections = ownConnections(routesOf(sources.relay, way))
    rows.push({ domain: toText(domain), connections, active, delayed, sent })
  }
  const total = { connections: 0, active: 0, delayed: 0, sent: 0 }
  for (const { egress, count } of sources.relay.connections()) {
    if (isWanted(egress)) total.connections += count
  }
  return mergeLists([{ domains: rows, total }])
}

/** What policy has put into the default binding has a lane beside what nobody has put anywhere. */
export function routesOf(
  { route }: Pick<Dispatcher, 'route'>,
  { domain: routingDomain, group, binding }: WayName,
): Route[] {
  const isDefault = group === DEFAULT_EGRESS.group && binding === DEFAULT_EGRESS.binding
  const named = route({ routingDomain, egress: { group, binding } })
  return isDefault ? [route({ routingDomain }), named] : [named]
}

/** Those that are surely at the domain. */
export function ownConnections(routes: readonly Route[]): number | undefined {
  const isShared = routes.some((route) => route.isShared && route.connections > 0)
  return isShared ? undefined : routes.reduce((sum, { connections }) => sum + connections, 0)
}

/** Of several together: one row a domain, in their order. */
export function mergeLists(all: readonly DomainList[]): DomainList {
  const rows = new Map<string, DomainRow>()
  for (const row of all.flatMap(({ domains }) => domains)) {
    const known = rows.get(row.domain)
    rows.set(row.domain, known ? { domain: row.domain, ...summed(known, row) } : row)
  }
  const domains = [...rows.values()].sort((a, b) => (a.domain < b.domain ? -1 : 1))
  const connections = all.reduce((sum, { total }) => sum + (total.connections ?? 0), 0)
  const none: DomainCounts = { active: 0, delayed: 0, sent: 0 }
  return { domains, total: { ...domains.reduce(summed, none), connections } }
}

function summed(a: DomainCounts, b: DomainCounts): DomainCounts {
  const isKnown = a.connections !== undefined && b.connections !== undefined
  return {
    connections: isKnown ? Number(a.connections) + Number(b.connections) : undefined,
    active: a.active + b.active,
    delayed: a.delayed + b.delayed,
    sent: a.sent + b.sent,
  }
}

/** Those whose queue is longer. */
export function longerThan(
  { domains, total }: DomainList,
  queue: 'active' | 'delayed',
  threshold: number,
): Answer {
  const data = { domains: domains.filter((row) => row[queue] > threshold), total }
  const sum = `${'Total:'.padStart(WIDTH)}  ${countsText(total, 4)}`
  return { isOk: true, text: textOf([...data.domains.map(rowText), sum]), data }
}

export function allDomains(list: DomainList): Answer {
  const rows = list.domains.map(rowText)
  const text = textOf(['Domain summary:', ...rows, `Totals: ${countsText(list.total, 4)}`])
  return { isOk: true, text, data: list }
}

const WIDTH = 38

function rowText({ domain, ...counts }: DomainRow): string {
  return `Domain:${domain.padStart(WIDTH - 'Domain:'.length)}  ${countsText(counts, 3)}`
}

/** Connections, active, delayed, sent. */
function countsText({ connections, active, delayed, sent }: DomainCounts, width: number): string {
  const columns: readonly (readonly [name: string, count: number | undefined, width: number])[] = [
    ['C', connections, width],
    ['A', active, 7],
    ['D', delayed, 6],
    ['S', sent, 6],
  ]
  return columns
    .map(([name, count, size]) => `${name}:${String(count ?? '-').padStart(size)}`)
    .join('  ')
}
