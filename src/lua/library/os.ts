// The os library without anything that touches processes or files: date, time, clock, difftime and
// getenv. What is missing raises, naming itself.

import type { HostFunction } from '../binding.ts'
import { LuaCallError } from '../error.ts'
import type { LuaTable, LuaValue } from '../value.ts'
import { dateFields, formatDate } from './date.ts'

/** The functions by name; `now` is in epoch milliseconds. */
export function osFunctions(now: () => number): Record<string, HostFunction> {
  return {
    time: (table) => (table === undefined ? Math.floor(now() / 1000) : timeOf(table)),
    date: (format, time) => date(format ?? '%c', time, now),
    clock: () => process.cpuUsage().user / 1e6,
    difftime: (later, earlier) =>
      numeric(later, 1, 'difftime') - numeric(earlier ?? 0, 2, 'difftime'),
    getenv: (name) => (typeof name === 'string' ? process.env[name] : undefined),
    ...forbidden('os', ['execute', 'exit', 'remove', 'rename', 'tmpname', 'setlocale']),
  }
}

/** Functions that raise because the host does not allow what they do. */
export function forbidden(library: string, names: readonly string[]): Record<string, HostFunction> {
  return Object.fromEntries(
    names.map((name) => [
      name,
      () => {
        throw new LuaCallError(`${library}.${name} is not available: scripts may not do this`)
      },
    ]),
  )
}

function date(format: LuaValue, time: LuaValue, now: () => number): LuaValue {
  if (typeof format !== 'string') {
    throw new LuaCallError("bad argument #1 to 'date' (string expected)")
  }
  const seconds = time === undefined ? now() / 1000 : numeric(time, 2, 'date')
  const utc = format.startsWith('!')
  const rest = utc ? format.slice(1) : format
  if (!rest.startsWith('*t')) return formatDate(rest, seconds, utc)
  return new Map(Object.entries(dateFields(seconds, utc)))
}

function timeOf(value: LuaValue): number {
  if (typeof value !== 'object' || !('kind' in value) || value.kind !== 'table') {
    throw new LuaCallError("bad argument #1 to 'time' (table expected)")
  }
  const [year, month, day] = [field(value, 'year'), field(value, 'month'), field(value, 'day')]
  const time = [field(value, 'hour', 12), field(value, 'min', 0), field(value, 'sec', 0)] as const
  return new Date(year, month - 1, day, ...time).getTime() / 1000
}

function field(table: LuaTable, name: string, otherwise?: number): number {
  const value = toNumber(table.get(name)) ?? otherwise
  if (value === undefined) throw new LuaCallError(`field '${name}' missing in date table`)
  return Math.trunc(value)
}

function numeric(value: LuaValue, position: number, name: string): number {
  const found = toNumber(value)
  if (found === undefined) {
    throw new LuaCallError(`bad argument #${position} to '${name}' (number expected)`)
  }
  return found
}

function toNumber(value: LuaValue): number | undefined {
  const found = typeof value === 'string' ? Number(value) : value
  return typeof found === 'number' && !Number.isNaN(found) ? found : undefined
}
