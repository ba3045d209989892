// The modules that scripts register, and which of them define which callout.
import type { LuaFunction, LuaTable, LuaValue } from '../lua/value.ts'
import type { CalloutMeter } from './meter.ts'
import { type CalloutName, findPhase, isLaterCallout, resolvePhase } from './phases.ts'

/** A table that a script gave to `msys.registerModule`. */
export interface Registration {
  readonly name: string
  readonly table: LuaTable
  /** Path of the script that did. */
  readonly script: string
}

export interface Callout {
  /** Index of the registration: which `self` it gets. */
  readonly module: number
  readonly moduleName: string
  readonly run: LuaFunction
  /** The connection variable that switches the module off. */
  readonly bypass: string
  readonly meter: CalloutMeter | undefined
}

export type Callouts = ReadonlyMap<CalloutName, readonly Callout[]>

export interface Collected {
  readonly callouts: Callouts
  /** What will never run, and why: lines for paniclog. */
  readonly notices: readonly string[]
}

/**
 * Callouts by phase, in the order of registration. Read when everything is loaded, so that functions
 * added after `registerModule` count. Other functions of a module are its helpers.
 */
export function collectCallouts(
  registrations: readonly Registration[],
  meterOf?: (callout: CalloutName, moduleName: string) => CalloutMeter,
): Collected {
  const callouts = new Map<CalloutName, Callout[]>()
  const notices: string[] = []
  registrations.forEach(({ name: moduleName, table }, module) => {
    let found = 0
    for (const [key, run] of table.entries()) {
      if (typeof key !== 'string' || !isLuaFunction(run)) continue
      const phase = findPhase(resolvePhase(key))
      if (!phase) {
        notices.push(...noticeOf(moduleName, key))
        continue
      }
      found++
      const list = callouts.get(phase.name) ?? []
      const bypass = `__bypass_${moduleName}`
      const meter = meterOf?.(phase.name, moduleName)
      callouts.set(phase.name, [...list, { module, moduleName, run, bypass, meter }])
    }
    if (found === 0) {
      notices.push(`no usable methods found for module ${moduleName} in registerModule call`)
    }
  })
  return { callouts, notices }
}

function noticeOf(moduleName: string, key: string): string[] {
  const complaint = isLaterCallout(key)
    ? 'is not supported yet'
    : /^(?:validate|core)_/.test(key)
      ? 'is no callout of Momentum'
      : undefined
  return complaint ? [`module ${moduleName}: ${key} ${complaint} and never runs`] : []
}

function isLuaFunction(value: LuaValue): value is LuaFunction {
  return typeof value === 'object' && 'kind' in value && value.kind === 'function'
}
