// Metrics that are looked up when somebody asks: queues, disk, connections, the process itself, by the names
// that Prometheus clients agree on.
import { readdirSync, readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Census } from './census.ts'
import type { Events } from '../events/events.ts'
import { makeRegistry, type Registry } from '../metrics/registry.ts'
import type { Snapshot } from '../metrics/snapshot.ts'
import type { Dispatcher } from '../relay/dispatcher.ts'
import type { Space } from '../spool/space.ts'
import type { Spool } from '../spool/spool.ts'
import { VERSION } from './version.ts'

export interface Sources {
  readonly census: Pick<Census, 'all'>
  readonly spool: Pick<Spool, 'backlog'>
  readonly space: Pick<Space, 'free'>
  readonly dispatcher: Pick<Dispatcher, 'lanes'>
  readonly events: Pick<Events, 'backlog'>
  /** Why no mail can be taken now; undefined: it can. */
  notReady(): string | undefined
  /** Epoch milliseconds. */
  now(): number
}

export interface Gauges {
  /** What was counted, and these. */
  snapshot(): Snapshot
  close(): void
}

export function watchGauges(registry: Registry, sources: Sources): Gauges {
  addConnections(registry, sources)
  addSpool(registry, sources)
  addQueue(registry, sources)
  addBacklogs(registry, sources)
  const ready = registry.gauge({
    name: 'ready',
    help: '1 while mail can be taken, as /readyz says.',
    merge: 'min',
  })
  const build = registry.gauge({
    name: 'build_info',
    help: 'What runs here.',
    labels: ['version', 'node'],
    merge: 'max',
  })
  build.of(VERSION, process.version).value = 1
  registry.onCollect(() => (ready.of().value = sources.notReady() === undefined ? 1 : 0))
  const ofProcess = makeRegistry('')
  addUse(ofProcess)
  addDescriptors(ofProcess)
  return {
    snapshot: () => ({
      families: [...registry.snapshot().families, ...ofProcess.snapshot().families],
    }),
    close: addLag(registry),
  }
}

function addConnections(registry: Registry, { census }: Sources): void {
  const connections = registry.gauge({
    name: 'smtp_connections',
    help: 'SMTP sessions.',
    labels: ['listener'],
  })
  registry.onCollect(() => {
    connections.clear()
    for (const { listener, sessions } of census.all()) connections.of(listener).value += sessions
  })
}

function addSpool(registry: Registry, { spool, space, now }: Sources): void {
  const oldest = registry.gauge({
    name: 'spool_oldest_seconds',
    help: 'Age of the oldest message that is not finished.',
    merge: 'max',
  })
  const entries = registry.gauge({
    name: 'spool_entries',
    help: 'Received messages of which a copy is not finished.',
  })
  const bytes = registry.gauge({
    name: 'spool_free_bytes',
    help: 'Free on the file system of the spool.',
    merge: 'min',
  })
  const inodes = registry.gauge({
    name: 'spool_free_inodes',
    help: 'Free on the file system of the spool; nothing where it does not count them.',
    merge: 'min',
  })
  registry.onCollect(() => {
    const { messages, oldestMs } = spool.backlog()
    entries.of().value = messages
    oldest.of().value = oldestMs === undefined ? 0 : Math.max(0, (now() - oldestMs) / 1000)
    if (space.free) bytes.of().value = space.free.bytes
    else bytes.clear()
    if (space.free?.inodes !== undefined) inodes.of().value = space.free.inodes
    else inodes.clear()
  })
}

function addQueue(registry: Registry, { dispatcher }: Sources): void {
  const copies = registry.gauge({
    name: 'spool_messages',
    help: 'Queued copies, one a recipient. active: due now; delayed: waiting for the next attempt.',
    labels: ['state'],
  })
  const depth = registry.gauge({
    name: 'queue_depth',
    help: 'Queued copies by way out: a gateway, maildir, or direct for all domains that have none.',
    labels: ['route'],
  })
  const workers = registry.gauge({
    name: 'outbound_connections',
    help: 'Deliveries that are being made.',
  })
  registry.onCollect(() => {
    depth.clear()
    const active = copies.of('active')
    const delayed = copies.of('delayed')
    active.value = 0
    delayed.value = 0
    workers.of().value = 0
    for (const lane of dispatcher.lanes()) {
      active.value += lane.active
      delayed.value += lane.delayed
      workers.of().value += lane.workers
      depth.of(routeOf(lane.key)).value += lane.active + lane.delayed
    }
  })
}

/** Of a lane's key: as many as the configuration has gateways, never one a domain. */
function routeOf(key: string): string {
  const [kind = '', host = '', port = ''] = key.split(' ')
  if (kind === 'gateway') return `${host}:${port}`
  return kind === 'maildir' && host !== '' ? 'maildir' : 'direct'
}

function addBacklogs(registry: Registry, { events }: Sources): void {
  const help = 'Octets of events on disk that it still has to take.'
  const sinks = registry.gauge({ name: 'event_backlog_bytes', help, labels: ['sink'] })
  const webhooks = registry.gauge({ name: 'webhook_backlog_bytes', help, labels: ['webhook'] })
  registry.onCollect(() => {
    sinks.clear()
    webhooks.clear()
    for (const { sink, bytes } of events.backlog()) {
      sinks.of(sink).value += bytes
      if (sink.startsWith(WEBHOOK)) webhooks.of(sink.slice(WEBHOOK.length)).value += bytes
    }
  })
}

const WEBHOOK = 'webhook '

/** Milliseconds between two looks at how late timers are. */
const LAG_RESOLUTION_MS = 20
const LAG_PERIOD_MS = 15_000
const PERCENTILES = [50, 90, 99]

/** The function that comes back ends it. */
function addLag(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  delay.enable()
  let sinceMs = performance.now()
  const lag = registry.gauge({
    name: 'event_loop_lag_seconds',
    help: 'How late timers were lately, 15 s at least; percentile 100: the latest.',
    labels: ['percentile'],
    merge: 'max',
  })
  registry.onCollect(() => {
    // It counts the time between two looks, of which the resolution is no lateness.
    const late = (nanoseconds: number): number =>
      delay.count > 0 ? Math.max(0, nanoseconds / 1e9 - LAG_RESOLUTION_MS / 1000) : 0
    for (const each of PERCENTILES) lag.of(String(each)).value = late(delay.percentile(each))
    lag.of('100').value = late(delay.max)
    // Who looks often must not take from others what they have not seen.
    if (performance.now() - sinceMs < LAG_PERIOD_MS) return
    sinceMs = performance.now()
    delay.reset()
  })
  return () => void delay.disable()
}

function addUse(registry: Registry): void {
  const gauge = (name: string, help: string) => registry.gauge({ name, help }).of()
  const user = registry.counter({
    name: 'process_cpu_user_seconds_total',
    help: 'User CPU time.',
  })
  const system = registry.counter({
    name: 'process_cpu_system_seconds_total',
    help: 'System CPU time.',
  })
  const cpu = registry.counter({ name: 'process_cpu_seconds_total', help: 'CPU time.' })
  const resident = gauge('process_resident_memory_bytes', 'Resident memory.')
  const used = gauge('nodejs_heap_size_used_bytes', 'Heap in use.')
  const total = gauge('nodejs_heap_size_total_bytes', 'Heap reserved.')
  const external = gauge('nodejs_external_memory_bytes', 'Memory outside of the heap.')
  const start = registry.gauge({
    name: 'process_start_time_seconds',
    help: 'Start, in epoch seconds.',
    merge: 'min',
  })
  start.of().value = Math.round(performance.timeOrigin / 1000)
  registry.onCollect(() => {
    const micros = process.cpuUsage()
    user.of().value = micros.user / 1e6
    system.of().value = micros.system / 1e6
    cpu.of().value = (micros.user + micros.system) / 1e6
    const memory = process.memoryUsage()
    resident.value = memory.rss
    used.value = memory.heapUsed
    total.value = memory.heapTotal
    external.value = memory.external
  })
}

/** Where the system tells: Linux. */
function addDescriptors(registry: Registry): void {
  const open = registry.gauge({ name: 'process_open_fds', help: 'Open file descriptors.' })
  const most = registry.gauge({ name: 'process_max_fds', help: 'The most that there may be.' })
  registry.onCollect(() => {
    try {
      open.of().value = readdirSync('/proc/self/fd').length
      const limits = readFileSync('/proc/self/limits', 'utf8')
      most.of().value = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 0)
    } catch {
      // Another system: these two are not there.
      open.clear()
      most.clear()
    }
  })
}
