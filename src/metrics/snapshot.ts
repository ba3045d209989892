// What all metrics were at one moment: plain data that goes from process to process, and the sum of several.

export type MetricType = 'counter' | 'gauge' | 'histogram'
export type Merge = 'sum' | 'max' | 'min'

export interface Snapshot {
  readonly families: readonly FamilySnapshot[]
}

export interface FamilySnapshot {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  readonly labels: readonly string[]
  /** What the value of several processes together is. */
  readonly merge: Merge
  readonly series: readonly Series[]
}

export interface Series {
  /** Values, in the order of the family's names. */
  readonly labels: readonly string[]
  /** Of a histogram: the sum of what was observed. */
  readonly value: number
  /** Of a histogram: its upper bounds, and how many observations are in each bucket, the last one +Inf. */
  readonly bounds?: readonly number[]
  readonly counts?: readonly number[]
}

/** Of several processes together. Families keep the order in which they first come. */
export function mergeSnapshots(all: readonly Snapshot[]): Snapshot {
  const families = new Map<string, FamilySnapshot>()
  for (const family of all.flatMap((snapshot) => snapshot.families)) {
    const present = families.get(family.name)
    families.set(family.name, present ? mergeFamilies(present, family) : family)
  }
  return { families: [...families.values()] }
}

function mergeFamilies(one: FamilySnapshot, other: FamilySnapshot): FamilySnapshot {
  const series = new Map<string, Series>()
  for (const each of [...one.series, ...other.series]) {
    const key = each.labels.join('\0')
    const present = series.get(key)
    series.set(key, present ? mergeSeries(one.merge, present, each) : each)
  }
  return { ...one, series: [...series.values()] }
}

function mergeSeries(merge: Merge, one: Series, other: Series): Series {
  const { counts } = one
  const value = MERGES[merge](one.value, other.value)
  if (!counts) return { ...one, value }
  return { ...one, value, counts: counts.map((count, i) => count + (other.counts?.[i] ?? 0)) }
}

const MERGES: Readonly<Record<Merge, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: Math.max,
  min: Math.min,
}
