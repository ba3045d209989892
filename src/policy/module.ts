// The modules that scripts register, and which of them define which callout.
import type { LuaFunction, LuaTable, LuaValue } from '../lua/value.ts'
import { type CalloutName, findPhase, PHASES } from './phases.ts'

/** A table that a script gave to `msys.registerModule`. */
export interface Registration {
  readonly name: string
  readonly table: LuaTable
}

export interface Callout {
  /** Index of the registration: which `self` it gets. */
  readonly module: number
  readonly moduleName: string
  readonly run: LuaFunction
}

export type Callouts = ReadonlyMap<CalloutName, readonly Callout[]>

/** Another spelling that the manual uses for a hook. */
const ALIASES: Readonly<Record<string, CalloutName>> = {
  core_post_validate_data_spool_each_rcpt: 'core_post_validate_data_spool_each_rcpt_v1',
}

/**
 * Callouts by phase, in the order of registration. Read when everything is loaded, so that functions
 * added after `registerModule` count. `unusable`: modules with no recognised callout.
 */
export function collectCallouts(registrations: readonly Registration[]): {
  readonly callouts: Callouts
  readonly unusable: readonly string[]
} {
  const callouts = new Map<CalloutName, Callout[]>()
  const unusable: string[] = []
  registrations.forEach(({ name, table }, module) => {
    const found = definedCallouts(table)
    if (found.length === 0) unusable.push(name)
    for (const [callout, run] of found) {
      const list = callouts.get(callout) ?? []
      list.push({ module, moduleName: name, run })
      callouts.set(callout, list)
    }
  })
  return { callouts, unusable }
}

function definedCallouts(table: LuaTable): [CalloutName, LuaFunction][] {
  const names = [...PHASES.map((phase) => phase.name), ...Object.keys(ALIASES)]
  const found: [CalloutName, LuaFunction][] = []
  for (const name of names) {
    const value = table.get(name)
    if (isLuaFunction(value)) {
      found.push([ALIASES[name] ?? (findPhase(name)?.name as CalloutName), value])
    }
  }
  return found
}

function isLuaFunction(value: LuaValue): value is LuaFunction {
  return typeof value === 'object' && 'kind' in value && value.kind === 'function'
}
