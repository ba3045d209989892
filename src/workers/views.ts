// What the primary makes of the answers of its workers: one set of metrics, one page.
import type { Worker } from '../fleet/primary.ts'
import type { FleetRequest } from './request.ts'
import { mergeSnapshots, type Snapshot } from '../metrics/snapshot.ts'
import { mergeOverviews } from '../observing/overview.ts'
import type { PageNews } from '../parts.ts'
import type { TraceSource } from '../http/trace.ts'
import type { CalloutTrace } from '../policy/trace.ts'
import type { RecentTrace } from '../observing/traces.ts'

/** Of those that answer, by slot. */
export async function askEach(
  workers: readonly Worker[],
  request: FleetRequest,
): Promise<unknown[]> {
  const answers = await Promise.allSettled(workers.map((worker) => worker.ask(request)))
  return answers.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
}

export async function askOneByOne(
  workers: readonly Worker[],
  request: FleetRequest,
): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const worker of workers) answers.push(...(await askEach([worker], request)))
  return answers
}

export interface FleetNews extends Omit<PageNews, 'number'> {
  readonly numbers: readonly number[]
}

export async function newsOf(
  workers: readonly Worker[],
  since: readonly number[],
): Promise<FleetNews> {
  const starting = workers.filter(({ isReady }) => !isReady)
  const ready = workers.filter(({ isReady }) => isReady)
  const asked = ready.map(async (worker) => {
    const { slot } = worker
    const answer = worker.ask({ kind: 'news', since: since[slot] ?? 0 } satisfies FleetRequest)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a worker of the same version
    return { slot, news: (await answer) as PageNews }
  })
  const numbers = Array.from(since)
  const all: PageNews[] = []
  for (const each of await Promise.allSettled(asked)) {
    if (each.status === 'rejected') continue
    const { slot, news } = each.value
    while (numbers.length < slot) numbers.push(0)
    numbers[slot] = news.number
    all.push(news)
  }
  return {
    numbers,
    messages: all.flatMap(({ messages }) => messages).sort((a, b) => a.receivedMs - b.receivedMs),
    events: all.flatMap(({ events }) => events),
    overview: mergeOverviews(
      all.map(({ overview }) => overview),
      starting.map(({ slot, pid = 0 }) => ({ slot, pid })),
    ),
  }
}

export async function metricsOf(
  workers: readonly Worker[],
  replacements: number,
): Promise<Snapshot> {
  const ready = workers.filter(({ isReady }) => isReady)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- workers of the same version
  const all = (await askEach(ready, { kind: 'metrics' })) as Snapshot[]
  return mergeSnapshots([...all, ownMetrics(ready.length, replacements)])
}

function ownMetrics(ready: number, replacements: number): Snapshot {
  const family = (name: string, type: 'gauge' | 'counter', help: string, value: number) => ({
    name: `eachrcpt_${name}`,
    type,
    help,
    labels: [],
    merge: 'sum' as const,
    series: [{ labels: [], value }],
  })
  return {
    families: [
      family('workers', 'gauge', 'Worker processes that are ready.', ready),
      family(
        'worker_replacements_total',
        'counter',
        'Workers that ended and were replaced.',
        replacements,
      ),
    ],
  }
}

/** The latest first. */
export function tracesOf(workers: () => readonly Worker[]): TraceSource {
  const ask = async (request: FleetRequest): Promise<unknown[]> =>
    (await askEach(workers(), request)).flat()
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- workers of the same version
    find: async (id) => (await ask({ kind: 'traces', id })) as CalloutTrace[],
    async recent() {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- workers of the same version
      const all = (await ask({ kind: 'traces' })) as RecentTrace[]
      return all.sort((a, b) => b.atMs - a.atMs)
    },
  }
}
