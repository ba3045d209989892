// What the page shows of a server each second, as plain data: numbers from its metrics, the longest queues,
// the callouts that cost most.
import type { Snapshot } from '../metrics/snapshot.ts'
import type { LaneFacts } from '../relay/view.ts'
import { VERSION } from './version.ts'

export interface Overview {
  readonly nowMs: number
  readonly hostname: string
  readonly version: string
  readonly uptimeSeconds: number
  /** Why no mail can be taken; `''`: it can. */
  readonly notReady: string
  /** Since the start, copies unless told otherwise. */
  readonly counts: Readonly<Record<(typeof COUNTED)[number][0], number>>
  readonly sessions: number
  readonly active: number
  readonly delayed: number
  readonly memoryBytes: number
  readonly lanes: readonly LaneFacts[]
  /** How many there are, of which `lanes` has the longest. */
  readonly laneCount: number
  readonly callouts: readonly CalloutCost[]
  /** The processes that do the work. */
  readonly workers: readonly WorkerFacts[]
  /** What sinks of events still have to take: octets on disk. */
  readonly backlogs: readonly Backlog[]
  /** Why Redis is away; `''`: it is there. Undefined: there is none. */
  readonly redis?: string | undefined
}

export interface WorkerFacts {
  readonly slot: number
  readonly pid: number
  /** `ready`, or why it takes no mail. */
  readonly state: string
  readonly uptimeSeconds: number
  readonly sessions: number
  readonly received: number
  readonly delivered: number
  readonly queued: number
  readonly memoryBytes: number
}

export interface Backlog {
  readonly sink: string
  readonly bytes: number
}

/** What an overview is of. */
export interface Overviewed {
  readonly hostname: string
  readonly slot: number
  /** Why no mail can be taken. */
  readonly notReady: string | undefined
  readonly redis: string | undefined
}

export interface CalloutCost {
  readonly hook: string
  readonly script: string
  readonly calls: number
  /** Of all calls together. */
  readonly seconds: number
  readonly errors: number
}

const MAX_LANES = 20
const MAX_CALLOUTS = 30
const PREFIX = 'eachrcpt_'

const COUNTED = [
  ['received', 'recipients_received_total', undefined],
  ['delivered', 'deliveries_total', 'delivered'],
  ['deferred', 'deliveries_total', 'deferred'],
  ['failed', 'deliveries_total', 'failed'],
  /** Lines of rejectlog. */
  ['rejected', 'messages_rejected_total', undefined],
  /** Opens and clicks. */
  ['hits', 'tracking_events_total', undefined],
] as const

export function overviewOf(
  { hostname, slot, notReady, redis }: Overviewed,
  snapshot: Snapshot,
  lanes: readonly LaneFacts[],
): Overview {
  const counted = COUNTED.map(([key, name, label]) => [key, sumOf(snapshot, PREFIX + name, label)])
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its keys are those of COUNTED
  const counts = Object.fromEntries(counted) as Overview['counts']
  const longest = lanes.toSorted((a, b) => sizeOf(b) - sizeOf(a)).slice(0, MAX_LANES)
  const active = sumOf(snapshot, `${PREFIX}spool_messages`, 'active')
  const delayed = sumOf(snapshot, `${PREFIX}spool_messages`, 'delayed')
  const own = {
    uptimeSeconds: Math.floor(process.uptime()),
    sessions: sumOf(snapshot, `${PREFIX}smtp_connections`),
    memoryBytes: sumOf(snapshot, 'process_resident_memory_bytes'),
  }
  const { received, delivered } = counts
  const worker = { slot, pid: process.pid, state: notReady ?? 'ready', received, delivered }
  return {
    nowMs: Date.now(),
    hostname,
    version: VERSION,
    ...own,
    notReady: notReady ?? '',
    counts,
    active,
    delayed,
    lanes: longest,
    laneCount: lanes.length,
    callouts: calloutsOf(snapshot),
    workers: [{ ...worker, ...own, queued: active + delayed }],
    backlogs: backlogsOf(snapshot),
    redis,
  }
}

function backlogsOf({ families }: Snapshot): Backlog[] {
  const { series = [] } = families.find(({ name }) => name === `${PREFIX}event_backlog_bytes`) ?? {}
  return series.map(({ labels: [sink = ''], value }) => ({ sink, bytes: value }))
}

function sizeOf({ active, delayed, workers }: LaneFacts): number {
  return active + delayed + workers
}

/** Of all series, or of those whose first label has this value. */
function sumOf({ families }: Snapshot, name: string, label?: string): number {
  const { series = [] } = families.find((family) => family.name === name) ?? {}
  let sum = 0
  for (const { labels, value } of series) {
    if (label === undefined || labels[0] === label) sum += value
  }
  return sum
}

function calloutsOf({ families }: Snapshot): CalloutCost[] {
  const find = (name: string) => families.find((family) => family.name === PREFIX + name)
  const errors = find('policy_errors_total')?.series ?? []
  const all = (find('policy_hook_seconds')?.series ?? []).map(({ labels, value, counts = [] }) => {
    const [hook = '', script = ''] = labels
    const own = errors.filter(({ labels: [h, s] }) => h === hook && s === script)
    return {
      hook,
      script,
      calls: counts.reduce((sum, count) => sum + count, 0),
      seconds: value,
      errors: own.reduce((sum, { value: count }) => sum + count, 0),
    }
  })
  const run = all.filter(({ calls }) => calls > 0)
  return run.sort((a, b) => b.seconds - a.seconds).slice(0, MAX_CALLOUTS)
}

/** Of several processes together. `starting`: workers that are not there yet. */
export function mergeOverviews(
  all: readonly Overview[],
  starting: readonly Pick<WorkerFacts, 'slot' | 'pid'>[] = [],
): Overview {
  const [first = NOTHING, ...others] = all
  const merged = others.reduce(mergeTwo, first)
  const idle = {
    uptimeSeconds: 0,
    sessions: 0,
    received: 0,
    delivered: 0,
    queued: 0,
    memoryBytes: 0,
  }
  const absent = starting.map((each) => ({ ...each, ...idle, state: 'starting' }))
  const workers = [...merged.workers, ...absent].sort((a, b) => a.slot - b.slot)
  return { ...merged, workers }
}

const NOTHING: Overview = {
  nowMs: 0,
  hostname: '',
  version: VERSION,
  uptimeSeconds: 0,
  notReady: 'no worker answers',
  counts: { received: 0, delivered: 0, deferred: 0, failed: 0, rejected: 0, hits: 0 },
  sessions: 0,
  active: 0,
  delayed: 0,
  memoryBytes: 0,
  lanes: [],
  laneCount: 0,
  callouts: [],
  workers: [],
  backlogs: [],
}

function mergeTwo(a: Overview, b: Overview): Overview {
  const lanes = merged([...a.lanes, ...b.lanes], ({ key }) => key, mergeLanes)
  const callouts = merged([...a.callouts, ...b.callouts], calloutKey, mergeCallouts)
  const { received, delivered, deferred, failed, rejected, hits } = b.counts
  return {
    ...a,
    uptimeSeconds: Math.max(a.uptimeSeconds, b.uptimeSeconds),
    notReady: a.notReady || b.notReady,
    counts: {
      received: a.counts.received + received,
      delivered: a.counts.delivered + delivered,
      deferred: a.counts.deferred + deferred,
      failed: a.counts.failed + failed,
      rejected: a.counts.rejected + rejected,
      hits: a.counts.hits + hits,
    },
    sessions: a.sessions + b.sessions,
    active: a.active + b.active,
    delayed: a.delayed + b.delayed,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    lanes: lanes.toSorted((x, y) => sizeOf(y) - sizeOf(x)).slice(0, MAX_LANES),
    laneCount: Math.max(a.laneCount, b.laneCount, lanes.length),
    callouts: callouts.sort((x, y) => y.seconds - x.seconds).slice(0, MAX_CALLOUTS),
    workers: [...a.workers, ...b.workers],
    backlogs: merged([...a.backlogs, ...b.backlogs], ({ sink }) => sink, mergeBacklogs),
    redis: a.redis || b.redis,
  }
}

function merged<T>(all: readonly T[], keyOf: (each: T) => string, merge: (a: T, b: T) => T): T[] {
  const byKey = new Map<string, T>()
  for (const each of all) {
    const present = byKey.get(keyOf(each))
    byKey.set(keyOf(each), present ? merge(present, each) : each)
  }
  return [...byKey.values()]
}

function mergeLanes(a: LaneFacts, b: LaneFacts): LaneFacts {
  return {
    ...a,
    active: a.active + b.active,
    delayed: a.delayed + b.delayed,
    workers: a.workers + b.workers,
    health: a.health === 'good' ? b.health : a.health,
  }
}

function mergeBacklogs({ sink, bytes }: Backlog, { bytes: more }: Backlog): Backlog {
  return { sink, bytes: bytes + more }
}

function calloutKey({ hook, script }: CalloutCost): string {
  return `${hook} ${script}`
}

function mergeCallouts(a: CalloutCost, b: CalloutCost): CalloutCost {
  return {
    ...a,
    calls: a.calls + b.calls,
    seconds: a.seconds + b.seconds,
    errors: a.errors + b.errors,
  }
}
