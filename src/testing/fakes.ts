// What a test puts in the place of what policy finds outside of the mail.
import { LuaCallError } from '../lua/error.ts'
import type { LuaValue } from '../lua/value.ts'
import { textOf } from './arguments.ts'

export interface Fakes {
  /** When sessions begin: epoch milliseconds; the beginning of 2026 unless given. */
  readonly startMs: number | undefined
}

export const NO_FAKES: Fakes = { startMs: undefined }

/** Seconds since 1970, or a text such as `2026-11-25T08:00:00Z`. */
export function fakeTimeMs(value: LuaValue): number {
  const ms = typeof value === 'number' ? value * 1000 : Date.parse(textOf(value) ?? '')
  if (!Number.isFinite(ms)) throw new LuaCallError('fake_clock: seconds or a date were expected')
  return ms
}
