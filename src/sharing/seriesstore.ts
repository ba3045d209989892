// Audit series that outlive the process (`persist = true`, Momentum manual page "lua.ref.msys.audit_series.define"):
// a file each, written now and then and at the end, and read when policy defines the series. What was counted since
// the last writing is lost with a crash.
import { readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { MAX_TIMER_MS } from '../mail/eventually.ts'
import { makeSharedState } from '../msys/shared/embedded.ts'
import type { SeriesShape, SharedState } from '../msys/shared/state.ts'

export interface SeriesStore {
  /** The same state; a persistent series that is defined has what was written of it. */
  readonly state: SharedState
  /** Writes all persistent series. Never fails: `report` is told. */
  save(): Promise<void>
}

/** The state of a process. `begin` starts to write its persistent series, and gives the function that ends that. */
export function openSeries(
  { inboundAudit, spoolbase }: Pick<Config, 'inboundAudit' | 'spoolbase'>,
  slot: number,
  report: (text: string) => void,
) {
  const folder = join(inboundAudit.serializeDir ?? join(spoolbase, 'audit_series'), String(slot))
  const { state, save } = makeSeriesStore(makeSharedState(Date.now), folder, report)
  let work = Promise.resolve()
  const saveInTurn = (): Promise<void> => (work = work.then(save))
  return {
    state,
    begin() {
      const periodMs = inboundAudit.maintenanceSeconds * 1000
      const timer = setInterval(() => void saveInTurn(), Math.min(periodMs, MAX_TIMER_MS)).unref()
      return () => {
        clearInterval(timer)
        return saveInTurn()
      }
    },
  }
}

type Counted = readonly [key: string, count: number, atMs: number]

export function makeSeriesStore(
  state: SharedState,
  folder: string,
  report: (text: string) => void,
): SeriesStore {
  const persistent = new Set<string>()
  const fileOf = (series: string): string => join(folder, `${encodeURIComponent(series)}.jsonl`)

  return {
    state: {
      ...state,
      defineSeries(series, shape) {
        const isNew = state.series(series) === undefined
        if (!state.defineSeries(series, shape)) return false
        if (!shape.isPersistent) persistent.delete(series)
        else persistent.add(series)
        if (!isNew || !shape.isPersistent) return true
        for (const [key, count, atMs] of readSeries(fileOf(series), shape, report)) {
          state.apply({ kind: 'series add', series, key, count, atMs })
        }
        return true
      },
    },
    async save() {
      const counted = new Map([...persistent].map((series): [string, Counted[]] => [series, []]))
      for (const change of counted.size > 0 ? state.contents() : []) {
        if (change.kind !== 'series add') continue
        counted.get(change.series)?.push([change.key, change.count, change.atMs])
      }
      try {
        if (counted.size > 0) await mkdir(folder, { recursive: true, mode: 0o700 })
        for (const [series, all] of counted) {
          await writeSeries(fileOf(series), state.series(series), all)
        }
      } catch (error) {
        report(`audit series are not written: ${String(error)}`)
      }
    },
  }
}

/** The definition, then what was counted, a line each. */
async function writeSeries(
  file: string,
  shape: SeriesShape | undefined,
  counted: readonly Counted[],
): Promise<void> {
  const lines = [JSON.stringify(shape), ...counted.map((one) => JSON.stringify(one))]
  await writeFile(`${file}.new`, `${lines.join('\n')}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** Nothing when it is the file of another definition, or none. */
function readSeries(
  file: string,
  shape: SeriesShape,
  report: (text: string) => void,
): readonly Counted[] {
  try {
    const [first = '', ...lines] = readFileSync(file, 'utf8').split('\n')
    if (first !== JSON.stringify(shape)) return []
    return lines.filter(Boolean).map((line) => JSON.parse(line) as Counted)
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (!isMissing) report(`${file} cannot be read: ${String(error)}`)
    return []
  }
}
