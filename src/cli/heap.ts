// How much garbage may lie about, told to V8 (Node 20.20). Mail is octets outside of its heap, all of it soon done with,
// beside few objects that stay: what V8 allows such a small heap to grow by is used up by a few dozen messages, and it
// looks for garbage without end (38 times for 1,200 messages of 200 KB, a quarter of the processor time).
import { setFlagsFromString } from 'node:v8'

/**
 * Room for what is young, in MB. All that a message makes is garbage soon, but not before it is on disk: with Node's
 * 16 MB it is copied twice until then, and again while Node finds out how much room is needed.
 */
const YOUNG_MB = '64'
/** By how much of its size after a collection the old part grows before the next, octets outside of the heap included. */
const GROWTH_PERCENT = '200'

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

/** Of this process, which may have begun already; what the operator has told Node holds. */
export function growOld(told: readonly string[] = process.execArgv): void {
  if (told.some((option) => GROWTH_OPTION.test(option))) return
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
}

/** Node takes either hyphens or underscores. */
const YOUNG_OPTION = /^--(max|min)[-_]semi[-_]space[-_]size=(\d+)$/
const GROWTH_OPTION = /^--heap[-_]growing[-_]percent=/
