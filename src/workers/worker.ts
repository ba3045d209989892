// One of several workers: a server that shares its ports with the others, and whose primary reloads it, asks it
// for its part of every answer, and ends it.
import type { KeptFiles } from '../config/include.ts'
import type { Loaded } from '../config/load.ts'
import { runCommand } from '../console/console.ts'
import { type Channel, joinFleet, type Member } from '../fleet/member.ts'
import type { Counts, SharedTally } from '../fleet/tally.ts'
import { makeTally } from '../fleet/tally.ts'
import type {
  Contents,
  FleetRequest,
  WorkerFacts,
  WorkerQuestion,
  WorkerStatus,
} from './request.ts'
import { lockAmongWorkers } from './locks.ts'
import { shareOptions } from './options.ts'
import { shareWithWorkers } from './state.ts'
import { loadSnapshot, type Snapshot } from './snapshot.ts'
import type { Snapshot as Metrics } from '../metrics/snapshot.ts'
import type { Change } from '../msys/shared/state.ts'
import type { Outbox } from '../sharing/outbox.ts'
import type { Place } from '../place.ts'
import type { PreparedReload } from '../reload.ts'
import { openServer, type Server, type ServerOptions } from '../server.ts'

export interface FleetWorkerOptions extends Omit<ServerOptions, 'load'> {
  /** With the files that the primary has read. */
  load(kept: KeptFiles): Loaded
  readonly place: Place
  readonly channel: Channel
  /** The server has closed. */
  end(code: number): void
}

/** What limits count together may be apart for so long. */
const GATHER_MS = 10
/** Policy may set an option with every message: each time, the others read their configuration anew. */
const OPTION_GATHER_MS = 50

/** Rejects with what is wrong at the start. */
export async function openFleetWorker(options: FleetWorkerOptions): Promise<{ close(): void }> {
  let server: Server | undefined
  let isEnding = false
  const close = (): void => {
    if (isEnding) return
    isEnding = true
    const closed = server?.close() ?? Promise.resolve()
    closed.then(
      () => options.end(0),
      (error: unknown) => {
        options.warn(`shutdown: ${String(error)}`)
        options.end(1)
      },
    )
  }
  let respond: ((request: FleetRequest) => Promise<unknown>) | undefined
  const member = joinFleet({
    channel: options.channel,
    status: (): WorkerStatus => ({ notReady: server?.notReady(), loads: server?.loads() ?? [] }),
    async answer(request) {
      if (!respond) throw new Error('starting')
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the primary is of the same version
      return respond(request as FleetRequest)
    },
  })
  const { set: optionSet } = shareOptions({
    member,
    apply: (argv) => void respond?.({ kind: 'command', argv }),
    gatherMs: OPTION_GATHER_MS,
  })
  let outbox: Outbox<Change> | undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the primary is of the same version
  let snapshot = (await member.ask({ kind: 'snapshot' } satisfies WorkerQuestion)) as Snapshot
  const running = await openServer({
    ...options,
    load: () => loadSnapshot(snapshot, options.load),
    tallies: talliesOf(member),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the primary is of the same version
    metricsOfAll: async () =>
      (await member.ask({ kind: 'metrics' } satisfies WorkerQuestion)) as Metrics,
    optionSet,
    locksOfAll: lockAmongWorkers(member),
    async joinState(sharing) {
      const joined = await shareWithWorkers(member, sharing, GATHER_MS)
      outbox = joined.outbox
      return joined.position
    },
  })
  server = running
  respond = responder(running, close, {
    contents: () => contentsOf(running, options.place, outbox),
    prepare(next) {
      snapshot = next
      return running.prepareReload()
    },
  })
  await catchUp(member, respond)
  const { smtp, http, scripts } = running
  member.ready({ smtp, http, scripts } satisfies WorkerFacts)
  return { close }
}

/** What the console has set since the configuration was read. */
async function catchUp(
  member: Member,
  respond: (request: FleetRequest) => Promise<unknown>,
): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the primary is of the same version
  const standing = (await member.ask({ kind: 'standing' } satisfies WorkerQuestion)) as string[][]
  for (const argv of standing) await respond({ kind: 'command', argv })
}

function responder(
  server: Server,
  close: () => void,
  own: { contents(): Contents; prepare(snapshot: Snapshot): Promise<PreparedReload> },
): (request: FleetRequest) => Promise<unknown> {
  let prepared: PreparedReload | undefined
  return async (request) => {
    switch (request.kind) {
      case 'command':
        return runCommand({ server, now: Date.now, shutdown: close, pages: [] }, request.argv)
      case 'prepare':
        await prepared?.drop()
        prepared = await own.prepare(request.snapshot)
        return undefined
      case 'adopt':
        prepared?.adopt()
        prepared = undefined
        return undefined
      case 'drop':
        await prepared?.drop()
        prepared = undefined
        return undefined
      case 'refuse':
        return server.refuseReload(request.reason)
      case 'reopen':
        return server.reopenLogs()
      case 'metrics':
        return server.metrics()
      case 'news':
        return server.news(request.since)
      case 'contents':
        return own.contents()
      case 'traces':
        return request.id === undefined ? server.traces.recent() : server.traces.find(request.id)
      case 'close':
        return close()
      default:
        return request satisfies never
    }
  }
}

/** What is told already belongs to it. */
function contentsOf(
  { sharing, statePosition }: Server,
  { slot }: Place,
  outbox: Outbox<Change> | undefined,
): Contents {
  outbox?.flush()
  return { slot, changes: sharing.contents(), position: statePosition() }
}

/** Who hands out connections hears of sessions as soon as the others do. */
function talliesOf(member: Member) {
  const census = shared(member, 'census', member.tellStatus)
  return { census, budgets: shared(member, 'budgets') }
}

/** A tally that all workers keep together. */
function shared(member: Member, topic: string, said = (): void => {}): SharedTally {
  const say = (counts: Counts): void => {
    member.say(topic, counts)
    said()
  }
  const tally = makeTally({ gatherMs: GATHER_MS, say })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- said by a worker of the same version
  member.listen(topic, (slot, counts) => tally.heard(slot, counts as Counts))
  member.listen(`${topic}?`, () => tally.sayAll())
  member.onGone((slot) => tally.gone(slot))
  member.say(`${topic}?`, undefined)
  return tally
}
