// What V8 (that of Node 20.20) is told about our garbage. Mail is octets outside of its heap, soon done with, beside few
// objects that stay. By what it sees inside V8 lets so small a heap grow by a few MB, which are a few dozen
// messages, and looks for garbage without end: 38 times for 1,200 messages of 200 KB, half of the processor time.
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/**
 * Room for what is young, in MB. All that a message makes is garbage soon, but not before it is on disk: with Node's
 * 16 MB it is copied twice until then, and again while Node finds out how much room is needed.
 */
const YOUNG_MB = '64'
/** How much the old part grows between two collections, octets outside included: four times is V8's own most. */
const GROWTH_PERCENT = 300
/** A heap above this holds a long queue; how much that may grow is V8's to say. */
const SMALL_OCTETS = 256 * 1024 * 1024
const CHECK_MS = 1_000

/** Options for a new process: what has to be added to what the operator has told Node. */
export function youngOptions(told: readonly string[]): string[] {
  const valueOf = (end: 'max' | 'min'): string | undefined =>
    told.map((option) => YOUNG_OPTION.exec(option)).find((found) => found?.[1] === end)?.[2]
  const max = valueOf('max')
  const added = max === undefined ? [`--max-semi-space-size=${YOUNG_MB}`] : []
  return valueOf('min') === undefined
    ? [...added, `--min-semi-space-size=${max ?? YOUNG_MB}`]
    : added
}

/** From now on, in this process. What the operator has told Node holds. */
export function tuneHeap(told: readonly string[] = process.execArgv): void {
  // V8 makes among the old objects what survived at first, as mail under way does. There it dies soon, and all young ones
  // that it refers to outlive each scavenge: a quarter of the processor time of a message went there.
  if (!told.some((option) => PRETENURING_OPTION.test(option))) {
    setFlagsFromString('--no-allocation-site-pretenuring')
  }
  if (!told.some((option) => GROWTH_OPTION.test(option))) letOldGrow()
}

/** As long as the heap is small. */
function letOldGrow(): void {
  let set = 0
  const adjust = (): void => {
    const percent = growthOf(getHeapStatistics().used_heap_size)
    // V8 reads it at the end of each collection.
    if (percent !== set) setFlagsFromString(`--heap-growing-percent=${percent}`)
    set = percent
  }
  adjust()
  setInterval(adjust, CHECK_MS).unref()
}

/** Percent; 0: V8's own. */
export function growthOf(usedOctets: number): number {
  return usedOctets > SMALL_OCTETS ? 0 : GROWTH_PERCENT
}

/** Node takes either hyphens or underscores. */
const YOUNG_OPTION = /^--(max|min)[-_]semi[-_]space[-_]size=(\d+)$/
const GROWTH_OPTION = /^--heap[-_]growing[-_]percent=/
const PRETENURING_OPTION = /^--(no[-_]?)?allocation[-_]site[-_]pretenuring$/
