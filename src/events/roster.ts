// The sinks that run, each with its courier. A reload adopts another list: a sink that stays as it is goes
// on, one whose options changed goes on where the old one was, one that is gone is forgotten.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Courier, type CourierClock, startCourier } from './courier.ts'
import { cursorPath, removeCursor } from './cursor.ts'
import type { EventLog } from './eventlog.ts'
import type { Sink } from './sink.ts'
import type { PlannedSink } from './sinks.ts'

export interface Roster {
  readonly directory: string
  readonly log: EventLog
  readonly clock: CourierClock
  report(text: string): void
  running: Map<string, Running>
  /** Those that have started. */
  couriers: Courier[]
  /** What was replaced or removed and still stops. */
  readonly ending: Set<Promise<void>>
  isFirst: boolean
}

export interface Running {
  readonly key: string
  readonly sink: Sink
  /** Once the one before it has stopped. */
  readonly courier: Promise<Courier>
}

/** Without a sink: the one that runs already. */
export interface OpenedSink extends PlannedSink {
  readonly sink: Sink | undefined
}

/** A file needs none of the network's time. */
const FILE_GRACE_MS = 1_000

/** Opens what does not run already. Rejects, with none left open, when one cannot be opened. */
export async function openSinks(
  { running }: Roster,
  plans: readonly PlannedSink[],
): Promise<OpenedSink[]> {
  const opened: OpenedSink[] = []
  try {
    for (const plan of plans) {
      const isKept = running.get(plan.name)?.key === plan.key
      opened.push({ ...plan, sink: isKept ? undefined : await plan.open() })
    }
    return opened
  } catch (error) {
    await closeSinks(opened)
    throw error
  }
}

export async function closeSinks(opened: readonly OpenedSink[]): Promise<void> {
  for (const { sink } of opened) await sink?.close()
}

/** From now on; what is gone may take within the grace what happened before. */
export function adoptSinks(roster: Roster, next: readonly OpenedSink[], graceMs: number): void {
  const before = roster.running
  const names = new Set(next.map(({ name }) => name))
  for (const [name, gone] of before) if (!names.has(name)) removeSink(roster, gone, graceMs)
  if (roster.isFirst) finishLater(roster, forgetOthers(roster.directory, names))
  roster.isFirst = false
  const running = next.flatMap((opened): [string, Running][] => {
    const present = runningOf(roster, opened, before.get(opened.name))
    return present ? [[opened.name, present]] : []
  })
  roster.running = new Map(running)
  trimLog(roster)
}

/** Lets the sinks take what is there. */
export async function stopSinks({ running, ending }: Roster, graceMs: number): Promise<void> {
  const stop = async ({ courier, sink }: Running): Promise<void> =>
    (await courier).stop(sink.resume ? Math.max(graceMs, FILE_GRACE_MS) : graceMs)
  await Promise.all([...running.values()].map(stop))
  await Promise.all(ending)
}

export async function reopenSink({ report }: Roster, { sink }: Running): Promise<void> {
  await sink.reopen?.().catch((error: unknown) => {
    report(`${sink.name}: not reopened: ${String(error)}`)
  })
}

function runningOf(
  roster: Roster,
  { key, sink }: OpenedSink,
  previous: Running | undefined,
): Running | undefined {
  if (!sink) {
    // A reload is for rotated files, too.
    if (previous) finishLater(roster, reopenSink(roster, previous))
    return previous
  }
  // A sink that is new is for what happens from now on.
  const courier = startSink(roster, sink, previous, roster.log.end)
  finishLater(
    roster,
    courier.then(() => undefined),
  )
  return { key, sink, courier }
}

async function startSink(
  roster: Roster,
  sink: Sink,
  previous: Running | undefined,
  newPlace: number,
): Promise<Courier> {
  const { directory, log, clock, report } = roster
  await (await previous?.courier)?.stop(0)
  const courier = await startCourier({
    sink,
    log,
    path: cursorPath(directory, sink.name),
    newPlace,
    clock,
    report: (text) => report(`${sink.name}: ${text}`),
    onProgress: () => trimLog(roster),
  })
  const others = roster.couriers.filter((each) => each.sink.name !== sink.name)
  roster.couriers = [...others, courier]
  return courier
}

function removeSink(roster: Roster, { courier, sink }: Running, graceMs: number): void {
  const remove = async (): Promise<void> => {
    await roster.log.flush()
    await (await courier).remove(graceMs)
    roster.couriers = roster.couriers.filter((each) => each.sink !== sink)
    trimLog(roster)
  }
  finishLater(roster, remove())
}

/** What every sink has taken is needed by nobody. */
function trimLog({ log, couriers, running }: Roster): void {
  if (couriers.length < running.size) return
  void log.trim(Math.min(log.durable, ...couriers.map(({ place }) => place)))
}

function finishLater({ ending, report }: Roster, work: Promise<void>): void {
  const task = work.catch((error: unknown) => report(String(error)))
  ending.add(task)
  void task.then(() => ending.delete(task))
}

/** Cursors of sinks that the configuration does not have any more would be taken up again years later. */
async function forgetOthers(directory: string, names: ReadonlySet<string>): Promise<void> {
  const kept = new Set([...names].map((name) => cursorPath(directory, name)))
  const files = (await readdir(directory)).filter((file) => file.endsWith('.cursor'))
  for (const path of files.map((file) => join(directory, file))) {
    if (!kept.has(path)) await removeCursor(path)
  }
}
