// `binding summary`: queues, connections and what came and went, by binding (manual page
// "console_commands.binding_summary", which also has resident messages: there is no such thing here).
import type { Bindings } from '../config/bindings.ts'
import type { DomainSources } from './domainlist.ts'
import type { Answer } from '../http/control.ts'
import { fromText, toText } from '../mail/bytes.ts'
import { DEFAULT_EGRESS, type Egress } from '../mail/envelope.ts'
import type { Counts } from '../observing/observers.ts'
import { isDelayed, textOf } from './queuetables.ts'
import { tally } from './queuewalk.ts'

export interface BindingSources extends Pick<DomainSources, 'mail' | 'relay'> {
  readonly config: { readonly bindings: Pick<Bindings, 'names' | 'membersOf' | 'groupOf'> }
  readonly counts: Pick<Counts, 'sinceMs' | 'bindings'>
}

export interface BindingSummary {
  /** Undefined: it is of all groups. */
  readonly group?: string | undefined
  readonly bindings: readonly BindingRow[]
  /** Since when copies are counted. */
  readonly counted_seconds: number
  readonly uptime_seconds: number
}

interface BindingRow extends BindingFacts {
  readonly binding: string
}

interface BindingFacts {
  readonly connections: number
  readonly active: number
  readonly delayed: number
  readonly delivered: number
  readonly failed: number
  readonly received: number
}

export const BINDING_HELP = 'binding summary [BINDING|SLOT|group:GROUP]'

/** Undefined: another command. */
export async function bindingCommand(
  sources: BindingSources,
  [first, second, wanted, ...more]: readonly string[],
  nowMs: number,
): Promise<Answer | undefined> {
  if (first !== 'binding' || second !== 'summary') return undefined
  if (more.length > 0) return { isOk: false, text: `usage: ${BINDING_HELP}\n` }
  const group = wanted?.startsWith('group:') ? wanted.slice('group:'.length) : undefined
  const members = membersOf(sources.config.bindings, group)
  if (!members) return { isOk: false, text: `no binding group is called ${group}\n` }
  const rows = await rowsOf(sources, nowMs, group, members)
  const isOne = wanted !== undefined && group === undefined
  const name = isOne ? named(wanted, rows, members) : undefined
  if (isOne && name === undefined) return noBinding(wanted)
  return summaryAnswer({
    group,
    bindings: rows.filter(({ binding }) => !isOne || binding === name),
    counted_seconds: Math.floor((nowMs - sources.counts.sinceMs) / 1000),
    uptime_seconds: Math.floor(process.uptime()),
  })
}

export function noBinding(name: string): Answer {
  return { isOk: false, text: `no binding is called ${name}\n` }
}

/** Those of the configuration, by slot. Undefined: no such group. */
function membersOf(
  bindings: BindingSources['config']['bindings'],
  group: string | undefined,
): string[] | undefined {
  if (group === undefined) return bindings.names.map(toText)
  const members = bindings.membersOf(fromText(group))?.map(toText)
  if (members || group !== DEFAULT_EGRESS.group) return members
  return bindings.names.filter((name) => bindings.groupOf(name) === group).map(toText)
}

/** By its name, or by its slot. */
function named(
  wanted: string,
  rows: readonly BindingRow[],
  slots: readonly string[],
): string | undefined {
  if (rows.some(({ binding }) => binding === wanted)) return wanted
  return /^\d+$/.test(wanted) ? slots[Number(wanted)] : undefined
}

/** Bindings of the configuration in their order, then others that have mail or had some. */
async function rowsOf(
  { mail, relay, counts }: BindingSources,
  nowMs: number,
  group: string | undefined,
  members: readonly string[],
): Promise<BindingRow[]> {
  const rows = new Map(members.map((binding) => [binding, { binding, ...NOTHING }]))
  const add = (egress: Egress, more: Partial<BindingFacts>): void => {
    if (group !== undefined && toText(egress.group) !== group) return
    const binding = toText(egress.binding)
    rows.set(binding, { binding, ...summed(rows.get(binding) ?? NOTHING, { ...NOTHING, ...more }) })
  }
  for (const row of await tally(mail, (state) => isDelayed(state, nowMs))) {
    add(row, { active: row.active, delayed: row.delayed })
  }
  for (const { egress, count } of relay.connections()) add(egress, { connections: count })
  for (const { received, delivered, failed, ...egress } of counts.bindings.all()) {
    add(egress, { received, delivered, failed })
  }
  return [...rows.values()]
}

const NOTHING: BindingFacts = {
  connections: 0,
  active: 0,
  delayed: 0,
  delivered: 0,
  failed: 0,
  received: 0,
}

function summed(a: BindingFacts, b: BindingFacts): BindingFacts {
  return {
    connections: a.connections + b.connections,
    active: a.active + b.active,
    delayed: a.delayed + b.delayed,
    delivered: a.delivered + b.delivered,
    failed: a.failed + b.failed,
    received: a.received + b.received,
  }
}

/** What several workers say. */
export function mergeSummaries(a: BindingSummary, b: BindingSummary): BindingSummary {
  const rows = new Map(a.bindings.map((row) => [row.binding, row]))
  for (const row of b.bindings) {
    const { binding } = row
    rows.set(binding, { binding, ...summed(rows.get(binding) ?? NOTHING, row) })
  }
  return {
    group: a.group,
    bindings: [...rows.values()],
    // A worker that took another's place counts from its own start.
    counted_seconds: Math.max(a.counted_seconds, b.counted_seconds),
    uptime_seconds: Math.max(a.uptime_seconds, b.uptime_seconds),
  }
}

export function isBindingSummary(data: unknown): data is BindingSummary {
  return typeof data === 'object' && data !== null && 'bindings' in data
}

export function summaryAnswer(data: BindingSummary): Answer {
  const { group, bindings } = data
  const within = group === undefined ? '' : ` in Binding Group ${group}`
  const lines = bindings.flatMap((row) => [
    `Summary Statistics For Binding ${row.binding}${within}`,
    ...factLines(row, data),
  ])
  const all = bindings.reduce<BindingFacts>(summed, NOTHING)
  const ofGroup = [
    '',
    '*'.repeat(44),
    `Summary Statistics For Binding Group ${group}`,
    ...factLines(all, data),
  ]
  const text = textOf(group === undefined ? lines : [...lines, ...ofGroup])
  return { isOk: true, text, data }
}

function factLines(
  { connections, active, delayed, delivered, failed, received }: BindingFacts,
  { counted_seconds: counted, uptime_seconds: uptime }: BindingSummary,
): string[] {
  const rate = (count: number): string =>
    `${(count / Math.max(1, counted)).toFixed(2).padStart(6)} messages/second`
  const facts: readonly (readonly [name: string, value: number | string])[] = [
    ['Open Connections', connections],
    ['Active Queue Size', active],
    ['Total Queue Size', active + delayed],
    ['Successfully Delivered Messages', delivered],
    ['Failed Messages', failed],
    ['Received Messages', received],
    ['Delivery Rate', rate(delivered + failed)],
    ['Reception Rate', rate(received)],
    ['Uptime', `${String(uptime).padStart(6)} seconds`],
  ]
  return facts.map(([name, value]) => `        ${name}: ${String(value).padStart(6)}`)
}
