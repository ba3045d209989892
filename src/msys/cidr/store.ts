// The CIDR tables of a policy: defined by name, loaded from where they come from, and loaded again when they are
// asked after their time. A load that fails leaves what there was.
import { setImmediate } from 'node:timers/promises'
import { readAddress, readCidr } from '../../config/cidr.ts'
import { rbldnsdReader } from './rbldnsd.ts'
import { type CidrTable, makeCidrTable } from './table.ts'

/** `true` is the value of a row without one, `false` of an address that is excluded. */
export type CidrValue = string | boolean

export type Loading =
  | { readonly kind: 'loaded'; readonly table: CidrTable<CidrValue> }
  | { readonly kind: 'failed'; readonly text: string }

export interface CidrDefinition {
  readonly defaultValue: CidrValue | number | undefined
  readonly isInterpolated: boolean
  /** 0: only when it is asked to. */
  readonly refreshSeconds: number
  /** Undefined: it stays empty. */
  readonly load: (() => Promise<Loading>) | undefined
}

export type CidrTables = Map<string, CidrEntry>

export interface CidrEntry {
  readonly definition: CidrDefinition
  /** Until it is loaded again; undefined: only when it is asked to. */
  refreshesInMs(): number | undefined
  /** What it says of an address; undefined: nothing. */
  find(address: string): CidrValue | undefined
  reload(): Promise<void>
}

/** `report` is told what goes wrong. */
export function makeCidrEntry(
  definition: CidrDefinition,
  nowMs: () => number,
  report: (text: string) => void,
): CidrEntry {
  let table = makeCidrTable<CidrValue>()
  let loadedMs = nowMs()
  let loading: Promise<void> | undefined

  const load = async (): Promise<void> => {
    try {
      const result = await definition.load?.()
      if (result?.kind === 'loaded') ({ table } = result)
      else if (result) report(result.text)
    } catch (error) {
      report(String(error))
    }
    loadedMs = nowMs()
    loading = undefined
  }
  const reload = (): Promise<void> => (loading ??= load())

  return {
    definition,
    refreshesInMs() {
      const { refreshSeconds, load } = definition
      if (refreshSeconds === 0 || !load) return undefined
      return Math.max(0, loadedMs + refreshSeconds * 1000 - nowMs())
    },
    find(address) {
      const { refreshSeconds } = definition
      const isOld = refreshSeconds > 0 && nowMs() - loadedMs >= refreshSeconds * 1000
      // This answer is the old one: nobody waits for a refresh.
      if (isOld) void reload()
      const ip = readAddress(address)
      return ip && table.find(ip)
    },
    reload,
  }
}

/** Lines between which others have their turn. */
const LINES_AT_ONCE = 2_000
const MOST_BLOCKS = 4_000_000

/** A data file of rbldnsd; what is wrong in it is skipped, and counted. */
export async function readRbldnsd(
  octets: string,
  column: 'a' | 'txt',
  skipped: (lines: number) => void,
): Promise<CidrTable<CidrValue>> {
  const table = makeCidrTable<CidrValue>()
  const read = rbldnsdReader()
  const keep = makeKeeper()
  let wrong = 0
  let lines = 0
  for (let at = 0; at < octets.length && table.size < MOST_BLOCKS;) {
    const end = octets.indexOf('\n', at)
    const stop = end < 0 ? octets.length : end
    const entry = read(octets.slice(at, stop))
    at = stop + 1
    if (entry === false) wrong++
    else for (const block of entry?.blocks ?? []) table.add(block, keep(entry?.value?.[column]))
    if (++lines % LINES_AT_ONCE === 0) await setImmediate()
  }
  if (wrong > 0) skipped(wrong)
  return table
}

/** Rows of a data source; those without an address or block are skipped, and counted. */
export async function readRows(
  rows: readonly { readonly cidr: unknown; readonly value: unknown }[],
  skipped: (rows: number) => void,
): Promise<CidrTable<CidrValue>> {
  const table = makeCidrTable<CidrValue>()
  let wrong = 0
  for (const [i, { cidr, value }] of rows.entries()) {
    const block = typeof cidr === 'string' ? readCidr(cidr.trim()) : undefined
    if (block) table.add(block, toValue(value))
    else wrong++
    if ((i + 1) % LINES_AT_ONCE === 0) await setImmediate()
  }
  if (wrong > 0) skipped(wrong)
  return table
}

/** NULL is an empty text: the row is there. */
function toValue(value: unknown): CidrValue {
  if (typeof value === 'string' || value === true) return value
  return typeof value === 'number' ? String(value) : ''
}

/** Equal values are one string, and none holds on to the file that it was cut from. */
function makeKeeper(): (text: string | undefined) => CidrValue {
  const known = new Map<string, string>()
  return (text) => {
    if (text === undefined) return false
    const kept = known.get(text)
    if (kept !== undefined) return kept
    const copy = Buffer.from(text, 'latin1').toString('latin1')
    known.set(copy, copy)
    return copy
  }
}
