// Several workers as one server: the primary takes connections for them, reloads and ends them together, and
// answers for all of them. It has no mail, no policy and no logs of its own.
import type { Config, HostPort } from './config/config.ts'
import type { Loaded } from './config/load.ts'
import { makeTurns } from './events/turns.ts'
import { type LockTable, makeLockTable } from './fleet/locks.ts'
import {
  type Child,
  type Fleet,
  type FleetOptions,
  startFleet,
  type Worker,
} from './fleet/primary.ts'
import { askEach, askOneByOne, type FleetNews, metricsOf, newsOf, tracesOf } from './fleetviews.ts'
import { makeFences } from './policy/locks.ts'
import type { Snapshot } from './metrics/snapshot.ts'
import type { TraceSource } from './http/trace.ts'
import {
  type FleetRequest,
  STATE_MARK,
  type WorkerFacts,
  type WorkerQuestion,
  type WorkerStatus,
} from './fleetrequest.ts'

export interface FleetServerOptions {
  load(): Loaded
  warn(text: string): void
  fork(slot: number): Child
}

export interface FleetServer {
  readonly config: Config
  readonly smtp: readonly HostPort[]
  readonly http: readonly HostPort[]
  readonly scripts: readonly string[]
  readonly workers: Fleet['workers']
  warn(text: string): void
  /** Why no worker can take mail now; undefined: one can. */
  notReady(): string | undefined
  /** Answers of those that are there, by slot; what one cannot answer is left out. */
  askAll(request: FleetRequest): Promise<unknown[]>
  /** The same, one after the other. */
  askInTurn(request: FleetRequest): Promise<unknown[]>
  /** One of them; none when nobody is ready. */
  askOne(request: FleetRequest): Promise<unknown[]>
  /** Of all workers together. */
  metrics(): Promise<Snapshot>
  /** What there is to see of all workers; `since`, and what comes back, by slot. */
  news(since: readonly number[]): Promise<FleetNews>
  readonly traces: TraceSource
  /** In all workers, or in none; why not is told. */
  reload(): Promise<boolean>
  reopenLogs(): Promise<void>
  /** Lets all finish. */
  close(): Promise<void>
  /** Ends all at once. */
  kill(): void
}

/** Beyond what a worker gives its sessions, before it is taken for stuck. */
const CLOSE_SLACK_MS = 10_000

/** Rejects with a StartError when a worker cannot start; it has said why. */
export async function openFleetServer(options: FleetServerOptions): Promise<FleetServer> {
  const { warn, fork } = options
  const { config, warnings } = options.load()
  warnings.forEach(warn)
  let replacements = 0
  /** Reloads since the start. */
  let version = 0
  const versions = new Map<number | undefined, number>()
  const locks = makeLockTable(makeFences(Date.now))
  const fleet = await startFleet({
    count: config.workers,
    fork(slot) {
      const child = fork(slot)
      versions.set(child.pid, version)
      return child
    },
    silentMs: silentMs(config),
    report: warn,
    answer: answers(locks, () => replacements),
    onEnded: locks.gone,
    // It may have read the configuration before the last reload.
    onReplaced(worker) {
      replacements++
      if (versions.get(worker.pid) !== version) void reloadOne(worker).catch(report)
    },
  })
  const report = (error: unknown): void => warn(String(error))
  const ready = (): Worker[] => fleet.workers.filter(({ isReady }) => isReady)
  const askAll = (request: FleetRequest): Promise<unknown[]> => askEach(ready(), request)
  const reload = async (): Promise<boolean> => {
    const isDone = await reloadAll(options, ready)
    if (isDone) version++
    return isDone
  }
  const inTurn = makeTurns()
  const [first] = fleet.workers
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a worker of the same version
  const facts = first?.facts as WorkerFacts
  return {
    config,
    ...facts,
    get workers() {
      return fleet.workers
    },
    warn,
    notReady: () => notReady(ready()),
    askAll,
    askInTurn: (request) => askOneByOne(ready(), request),
    askOne: (request) => askEach(ready().slice(0, 1), request),
    metrics: () => metricsOf(fleet.workers, replacements),
    news: (since) => newsOf(fleet.workers, since),
    traces: tracesOf(ready),
    reload: () => inTurn(reload).catch((error: unknown) => (report(error), false)),
    reopenLogs: async () => void (await askAll({ kind: 'reopen' })),
    close: () => fleet.close({ kind: 'close' } satisfies FleetRequest, closeMs(config)),
    kill: () => fleet.kill(),
  }
}

/** To what workers ask. */
function answers(locks: LockTable, replacements: () => number): FleetOptions['answer'] {
  return (request, asker, workers) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a worker of the same version
    const question = request as WorkerQuestion
    switch (question.kind) {
      case 'metrics':
        return metricsOf(workers, replacements())
      case 'contents':
        return contentsFor(asker, workers)
      case 'lock':
        return locks.take(asker.slot, question.id, question.name)
      case 'unlock':
        return Promise.resolve(locks.give(asker.slot, question.id))
      default:
        return question satisfies never
    }
  }
}

/** What another one's policy has counted; nothing when there is no other. */
async function contentsFor(asker: Worker, workers: readonly Worker[]): Promise<unknown> {
  const other = workers.find(({ slot, isReady }) => isReady && slot !== asker.slot)
  if (!other) return undefined
  const contents = other.ask({ kind: 'contents' } satisfies FleetRequest)
  asker.tell(STATE_MARK, undefined)
  return contents
}

/** In all or in none. */
async function reloadAll(options: FleetServerOptions, ready: () => Worker[]): Promise<boolean> {
  const reason = await prepareAll(options, ready())
  if (reason === undefined) {
    await askEach(ready(), { kind: 'adopt' })
    return true
  }
  await askEach(ready(), { kind: 'drop' })
  await ready()[0]?.ask({ kind: 'refuse', reason } satisfies FleetRequest)
  return false
}

/** Why one of them cannot; undefined: all can. One that ends meanwhile reads it when it is replaced. */
async function prepareAll(
  { load, warn }: FleetServerOptions,
  workers: readonly Worker[],
): Promise<string | undefined> {
  try {
    load().warnings.forEach(warn)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const prepared = await Promise.allSettled(
    workers.map((worker) => worker.ask({ kind: 'prepare' } satisfies FleetRequest)),
  )
  for (const [i, each] of prepared.entries()) {
    const hasEnded = each.status === 'rejected' && String(each.reason).endsWith('has ended')
    if (each.status === 'rejected' && !hasEnded && workers[i]) {
      return each.reason instanceof Error ? each.reason.message : String(each.reason)
    }
  }
  return undefined
}

async function reloadOne(worker: Worker): Promise<void> {
  await worker.ask({ kind: 'prepare' } satisfies FleetRequest)
  await worker.ask({ kind: 'adopt' } satisfies FleetRequest)
}

function notReady(workers: readonly Worker[]): string | undefined {
  const reasons = workers.map(reasonOf)
  if (reasons.length === 0) return 'no worker is ready'
  return reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined
}

function reasonOf({ status }: Worker): string | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a worker of the same version
  return (status as WorkerStatus | undefined)?.notReady
}

function closeMs({ shutdownGraceSeconds }: Config): number {
  return shutdownGraceSeconds * 1000 + CLOSE_SLACK_MS
}

/** A policy that loads may use ten times the time of a callout, and nothing else happens meanwhile. */
function silentMs({ workerTimeoutSeconds, scriptlet }: Config): number {
  return Math.max(workerTimeoutSeconds * 1000, scriptlet.calloutCpuMs * 10 + 1_000)
}
