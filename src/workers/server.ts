// Several workers as one server: the primary takes connections for them, reloads and ends them together, and
// answers for all of them. It has no mail, no policy and no logs of its own.
import type { Config, HostPort } from '../config/config.ts'
import type { Loaded } from '../config/load.ts'
import { makeTurns } from '../events/turns.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'
import { type LockTable, makeLockTable } from '../fleet/locks.ts'
import {
  type Child,
  type Fleet,
  type FleetOptions,
  startFleet,
  type Worker,
} from '../fleet/primary.ts'
import { makeStanding, type Standing } from './standing.ts'
import { askEach, askOneByOne, type FleetNews, metricsOf, newsOf, tracesOf } from './views.ts'
import { makeFences } from '../policy/locks.ts'
import type { Snapshot as Metrics } from '../metrics/snapshot.ts'
import type { TraceSource } from '../http/trace.ts'
import {
  type FleetRequest,
  OPTIONS,
  STATE_MARK,
  type WorkerFacts,
  type WorkerQuestion,
  type WorkerStatus,
} from './request.ts'

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
  metrics(): Promise<Metrics>
  /** What there is to see of all workers; `since`, and what comes back, by slot. */
  news(since: readonly number[]): Promise<FleetNews>
  readonly traces: TraceSource
  readonly standing: Pick<Standing, 'note'>
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
  const loaded = loadWarned(options)
  let replacements = 0
  let snapshot = snapshotOf(loaded)
  /** What each has, by process. */
  const has = new Map<number | undefined, Snapshot>()
  const standing = makeStanding()
  const locks = makeLockTable(makeFences(Date.now))
  const fleet = await startFleet({
    count: loaded.config.workers,
    fork,
    silentMs: silentMs(loaded.config),
    report: warn,
    answer: answers(locks, {
      replacements: () => replacements,
      snapshot: ({ pid }) => (has.set(pid, snapshot), snapshot),
      standing,
    }),
    onEnded: locks.gone,
    onReplaced() {
      replacements++
      catchUp()
    },
  })
  const report = (error: unknown): void => warn(String(error))
  const ready = (): Worker[] => fleet.workers.filter(({ isReady }) => isReady)
  const askAll = (request: FleetRequest): Promise<unknown[]> => askEach(ready(), request)
  /** What became ready during a reload was given what was there before. */
  const catchUp = (): void => {
    for (const worker of ready())
      if (has.get(worker.pid) !== snapshot) void reloadOne(worker, snapshot, has).catch(report)
  }
  const reload = async (): Promise<boolean> => {
    const next = await reloadAll(options, ready, has)
    snapshot = next ?? snapshot
    if (next) standing.reloaded()
    catchUp()
    return next !== undefined
  }
  const inTurn = makeTurns()
  return {
    config: loaded.config,
    ...factsOf(fleet),
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
    standing,
    reload: () => inTurn(reload).catch((error: unknown) => (report(error), false)),
    reopenLogs: async () => void (await askAll({ kind: 'reopen' })),
    close: () => fleet.close({ kind: 'close' } satisfies FleetRequest, closeMs(loaded.config)),
    kill: () => fleet.kill(),
  }
}

function loadWarned({ load, warn }: FleetServerOptions): Loaded {
  const loaded = load()
  loaded.warnings.forEach(warn)
  return loaded
}

/** All listen on the same ports and run the same scripts. */
function factsOf({ workers: [first] }: Fleet): WorkerFacts {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a worker of the same version
  return first?.facts as WorkerFacts
}

/** To what workers ask. */
function answers(
  locks: LockTable,
  of: {
    replacements(): number
    snapshot(asker: Worker): Snapshot
    readonly standing: Pick<Standing, 'note' | 'commands'>
  },
): FleetOptions['answer'] {
  return (request, asker, workers) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a worker of the same version
    const question = request as WorkerQuestion
    switch (question.kind) {
      case 'snapshot':
        return Promise.resolve(of.snapshot(asker))
      case 'standing':
        return Promise.resolve(of.standing.commands())
      case 'metrics':
        return metricsOf(workers, of.replacements())
      case 'contents':
        return contentsFor(asker, workers)
      case 'options':
        question.commands.forEach(of.standing.note)
        for (const worker of workers) if (worker !== asker) worker.tell(OPTIONS, question.commands)
        return Promise.resolve()
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

/** In all or in none: what all have then, undefined when that is what they had. */
async function reloadAll(
  options: FleetServerOptions,
  ready: () => Worker[],
  has: Map<number | undefined, Snapshot>,
): Promise<Snapshot | undefined> {
  const workers = ready()
  const next = await prepareAll(options, workers)
  if (typeof next !== 'string') {
    await askEach(workers, { kind: 'adopt' })
    for (const { pid } of workers) has.set(pid, next)
    return next
  }
  await askEach(workers, { kind: 'drop' })
  await ready()[0]?.ask({ kind: 'refuse', reason: next } satisfies FleetRequest)
  return undefined
}

/** Why one of them cannot, or what all can. One that ends meanwhile is given it when it is replaced. */
async function prepareAll(
  options: FleetServerOptions,
  workers: readonly Worker[],
): Promise<Snapshot | string> {
  let snapshot: Snapshot
  try {
    snapshot = snapshotOf(loadWarned(options))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const prepared = await Promise.allSettled(
    workers.map((worker) => worker.ask({ kind: 'prepare', snapshot } satisfies FleetRequest)),
  )
  for (const [i, each] of prepared.entries()) {
    const hasEnded = each.status === 'rejected' && String(each.reason).endsWith('has ended')
    if (each.status === 'rejected' && !hasEnded && workers[i]) {
      return each.reason instanceof Error ? each.reason.message : String(each.reason)
    }
  }
  return snapshot
}

async function reloadOne(
  worker: Worker,
  snapshot: Snapshot,
  has: Map<number | undefined, Snapshot>,
): Promise<void> {
  has.set(worker.pid, snapshot)
  await worker.ask({ kind: 'prepare', snapshot } satisfies FleetRequest)
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
