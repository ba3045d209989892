// Metrics as plain numbers: to count is to add to a field of a cell that the caller holds. Names and types are
// Prometheus's (https://prometheus.io/docs/concepts/metric_types/); how they are written is exposition.ts.
// A family has at most MAX_SERIES cells; label values beyond that share one, whose labels all say `other`.
import type { FamilySnapshot, MetricType, Merge, Series, Snapshot } from './snapshot.ts'

/** A counter or a gauge. */
export interface Cell {
  value: number
}

/** `counts[i]`: observations at or below bound `i` and above the one before; the last one: above all. */
export interface Distribution {
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum: number
}

export interface Family<C> {
  /** The cell of these label values, the same one every time. */
  of(...values: readonly string[]): C
  /** Forgets all cells. */
  clear(): void
}

export interface Declaration {
  /** Without prefix. */
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  /** What the value of several processes together is; their sum unless told. */
  readonly merge?: Merge
}

export interface Registry {
  counter(declaration: Declaration): Family<Cell>
  gauge(declaration: Declaration): Family<Cell>
  /** `bounds`: upper ones, ascending, in the unit of the name. */
  histogram(declaration: Declaration, bounds: readonly number[]): Family<Distribution>
  /** Called before every snapshot: sets what is looked up rather than counted. */
  onCollect(collect: () => void): void
  snapshot(): Snapshot
}

const MAX_SERIES = 500
/** What label values beyond the limit are called. */
const OTHER = 'other'

export function makeRegistry(prefix: string): Registry {
  const families: (() => FamilySnapshot)[] = []
  const collectors: (() => void)[] = []
  const add = <C>(
    type: MetricType,
    declaration: Declaration,
    make: () => C,
    read: (cell: C) => Omit<Series, 'labels'>,
  ): Family<C> => {
    const { name, help, labels = [], merge = 'sum' } = declaration
    const cells = new Map<string, { readonly labels: readonly string[]; readonly cell: C }>()
    families.push(() => ({
      name: prefix + name,
      type,
      help,
      labels,
      merge,
      series: [...cells.values()].map((each) => ({ labels: each.labels, ...read(each.cell) })),
    }))
    const of = (...values: readonly string[]): C => {
      const key = values.length === 1 ? (values[0] as string) : values.join('\0')
      const present = cells.get(key)
      if (present) return present.cell
      const isFull = cells.size >= MAX_SERIES && values.some((value) => value !== OTHER)
      if (isFull) return of(...values.map(() => OTHER))
      const made = { labels: values, cell: make() }
      cells.set(key, made)
      return made.cell
    }
    // What has no labels is there from the start, as 0.
    if (labels.length === 0) of()
    return { of, clear: () => cells.clear() }
  }
  const single =
    (type: MetricType) =>
    (declaration: Declaration): Family<Cell> =>
      add(
        type,
        declaration,
        () => ({ value: 0 }),
        ({ value }) => ({ value }),
      )
  return {
    counter: single('counter'),
    gauge: single('gauge'),
    histogram: (declaration, bounds) =>
      add(
        'histogram',
        declaration,
        (): Distribution => ({ bounds, counts: Array<number>(bounds.length + 1).fill(0), sum: 0 }),
        ({ counts, sum }) => ({ value: sum, bounds, counts: [...counts] }),
      ),
    onCollect: (collect) => void collectors.push(collect),
    snapshot() {
      for (const collect of collectors) collect()
      return { families: families.map((read) => read()) }
    },
  }
}

export function observe(distribution: Distribution, value: number): void {
  const { bounds, counts } = distribution
  let i = 0
  while (i < bounds.length && value > (bounds[i] as number)) i++
  counts[i] = (counts[i] as number) + 1
  distribution.sum += value
}
