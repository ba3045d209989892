// What a measurement came to: one figure with a name that stays the same, so that all of them can be put into
// one table, drawn, and compared with those of another day. Where nothing collects them (BENCH_RESULTS, a
// file of JSON lines), they are only printed by the programs themselves.
import { appendFileSync } from 'node:fs'

export interface Result {
  readonly name: string
  readonly value: number
  /** `x`: times a peer in the same run; others cannot be compared from machine to machine. */
  readonly unit: 'x' | 'ms' | 'us' | 'KB' | 'MB' | 'a second'
  /** What it is held to. */
  readonly goal?: readonly ['at least' | 'at most', number]
}

export function note(
  name: string,
  value: number,
  unit: Result['unit'],
  ...goal: [] | ['at least' | 'at most', number]
): void {
  const file = process.env['BENCH_RESULTS']
  if (file === undefined || !Number.isFinite(value)) return
  const result: Result = { name, value, unit, ...(goal.length && { goal }) }
  appendFileSync(file, `${JSON.stringify(result)}\n`)
}
