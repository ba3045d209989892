// The os library without anything that touches processes or files: date, time, clock, difftime and
// getenv, as in C. What is missing raises, naming itself.

import type { HostFunction } from '../binding.ts'
import { LuaCallError } from '../error.ts'
import { textToNumber } from '../number.ts'
import { isHandle, type LuaTable, type LuaValue } from '../value.ts'
import { badArgument, numberArgument, textArgument } from './argument.ts'
import { dateFields, formatDate, isDaylightSaving } from './date.ts'

export interface OsOptions {
  /** Epoch milliseconds. */
  readonly now: () => number
  /** The variables that os.getenv shows: the environment holds secrets of the server. */
  readonly environment: readonly string[]
  /** Advice about a script, without its position. */
  readonly warn: (text: string) => void
}

/** The functions by name. */
export function osFunctions(options: OsOptions): Record<string, HostFunction> {
  const { now } = options
  return {
    time: (...args) => (args[0] === undefined ? Math.floor(now() / 1000) : time(args[0])),
    date: (...args) => date(args, now),
    clock() {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    },
    difftime: (...args) =>
      Math.trunc(numberArgument(args, 0, 'difftime')) -
      Math.trunc(numberArgument(args, 1, 'difftime', 0)),
    getenv: environmentReader(options),
    ...forbidden('os'),
  }
}

/** Functions that raise because the host does not allow what they do, by library. */
export const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  os: ['execute', 'exit', 'remove', 'rename', 'setenv', 'setlocale', 'tmpname'],
  io: ['popen', 'tmpfile'],
}

export function forbidden(library: 'os' | 'io'): Record<string, HostFunction> {
  return Object.fromEntries(
    (FORBIDDEN[library] ?? []).map((name) => [
      name,
      () => {
        throw new LuaCallError(`${library}.${name} is not available: scripts may not do this`)
      },
    ]),
  )
}

function environmentReader({ environment, warn }: OsOptions): HostFunction {
  const shown = new Set(environment)
  const warned = new Set<string>()
  return (...args) => {
    const name = textArgument(args, 0, 'getenv')
    if (shown.has(name)) return process.env[name]
    if (process.env[name] !== undefined && !warned.has(name)) {
      warned.add(name)
      warn(`os.getenv: ${name} is set, but is not among the variables that scripts may read`)
    }
    return undefined
  }
}

// The budget is not looked at while a date is formatted.
const LONGEST_FORMAT = 1000

function date(args: readonly LuaValue[], now: () => number): LuaValue {
  const format = args[0] === undefined ? '%c' : textArgument(args, 0, 'date')
  if (format.length > LONGEST_FORMAT) throw badArgument(0, 'date', 'format too long')
  const seconds = Math.trunc(numberArgument(args, 1, 'date', Math.floor(now() / 1000)))
  if (Number.isNaN(new Date(seconds * 1000).getTime())) return undefined
  const utc = format.startsWith('!')
  const rest = utc ? format.slice(1) : format
  if (rest !== '*t') return formatDate(rest, seconds, utc)
  return new Map(Object.entries(dateFields(seconds, utc)))
}

// Fields may be out of their range; C's mktime makes a time of them all the same.
function time(value: LuaValue): number | undefined {
  if (!isHandle(value, 'table')) throw badArgument(0, 'time', 'table expected')
  const [sec, min, hour] = [
    field(value, 'sec', 0),
    field(value, 'min', 0),
    field(value, 'hour', 12),
  ]
  const [day, month, year] = [field(value, 'day'), field(value, 'month'), field(value, 'year')]
  const at = new Date(0)
  at.setFullYear(year, month - 1, day)
  at.setHours(hour, min, sec, 0)
  const seconds = at.getTime() / 1000
  const isdst = value.get('isdst')
  const isSummer = isDaylightSaving(seconds)
  const result =
    isdst === undefined || (isdst !== false) === isSummer
      ? seconds
      : seconds + (isSummer ? 3600 : -3600)
  // In C -1 is the failure.
  return Number.isNaN(result) || result === -1 ? undefined : result
}

function field(table: LuaTable, name: string, otherwise?: number): number {
  const value = table.get(name)
  const found = typeof value === 'string' ? textToNumber(value) : value
  if (typeof found === 'number') return Math.trunc(found)
  if (otherwise === undefined) throw new LuaCallError(`field '${name}' missing in date table`)
  return otherwise
}
