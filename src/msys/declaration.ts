// How a function, method or field of the API is declared, once: from the declaration come its argument
// and phase checks, the coverage table, and what is said of those that do not exist here.
import type { HostResult } from '../lua/binding.ts'
import type { LuaValue } from '../lua/value.ts'
import { LuaCallError } from '../lua/error.ts'
import { type Parameter, readArguments, type Values } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import { type Stage, STAGE_TEXTS } from './stage.ts'

/** 1: mail policy almost surely uses it, 2: plausible, 3: belongs to other products. */
export type Tier = 1 | 2 | 3

export type Support = 'full' | 'unavailable'

export interface Declaration {
  /** As policy writes it: `msys.pcre.match`, `msg:header`, `msg.id`. */
  readonly name: string
  /** Names of the parameters, an optional one with `?`, the rest with `...`; undefined for a field. */
  readonly parameters?: readonly string[]
  /** What each parameter expects, in the words of errors; undefined where nobody has said it yet. */
  readonly expects?: readonly string[]
  /** What comes back, in words of Lua: `string`, `table | nil, error`. */
  readonly result: string
  readonly tier: Tier
  readonly support: Support
  /** Where it may be called; everywhere when undefined. */
  readonly stages?: readonly Stage[]
  /** What it does, or why it is not available. */
  readonly doc: string
  /** What differs from Momentum. */
  readonly differs?: string
}

/** What a declaration says beside its name and parameters. */
export type About = Pick<Declaration, 'result' | 'tier' | 'stages' | 'doc' | 'differs'>

/** A method of an object, or with `Self` undefined a function of a module. */
export interface Binding<Self> extends Declaration {
  call(self: Self, args: readonly LuaValue[], runtime: Runtime): HostResult
}

/** A field of an object; without `set` it is read only. */
export interface FieldBinding<Self> extends Declaration {
  get(self: Self, runtime: Runtime): LuaValue
  set?(self: Self, value: LuaValue): void
}

type Run<Self, P extends readonly Parameter<unknown>[]> = (
  self: Self,
  values: Values<P>,
  runtime: Runtime,
  /** How many arguments were given: an explicit nil counts. */
  count: number,
) => HostResult

/** Makes the declarations of one class's methods, or with undefined of functions. */
export function declare<Self>() {
  return <const P extends readonly Parameter<unknown>[]>(
    name: string,
    parameters: P,
    about: About,
    run: Run<Self, P>,
  ): Binding<Self> => ({
    name,
    parameters: parameters.map(parameterText),
    expects: parameters.map(({ expects }) => expects),
    support: 'full',
    ...about,
    call(self, args, runtime) {
      if (about.stages !== undefined && !isDetached(self)) assertStage(name, about.stages, runtime)
      return run(self, readArguments(name, parameters, args), runtime, args.length)
    },
  })
}

function isDetached(self: unknown): boolean {
  return (
    typeof self === 'object' && self !== null && 'isDetached' in self && self.isDetached === true
  )
}

/** Makes the declarations of one class's fields. */
export function declareField<Self>() {
  return (
    name: string,
    about: About,
    get: FieldBinding<Self>['get'],
    set?: FieldBinding<Self>['set'],
  ): FieldBinding<Self> => ({ name, support: 'full', ...about, get, ...(set && { set }) })
}

/** Raises when the callout that runs now is of none of these stages. */
export function assertStage(name: string, stages: readonly Stage[], runtime: Runtime): void {
  const site = runtime.callSite()
  if (stages.includes(site?.stage ?? 'load')) return
  const where = site === undefined ? 'while scripts load' : `in ${site.callout}`
  throw new LuaCallError(
    `${name} is not allowed ${where} (only in: ${stages.map((stage) => STAGE_TEXTS[stage]).join(', ')})`,
  )
}

/** What stands before the last `.` or `:` of a name: its module or object; nothing for a global. */
export function ownerOf({ name }: Declaration): string {
  return name.slice(0, /[.:][^.:]*$/.exec(name)?.index ?? 0)
}

/** The name without its owner. */
export function memberOf({ name }: Declaration): string {
  return name.slice(name.search(/[^.:]*$/))
}

export function isMethod({ name }: Declaration): boolean {
  return name.includes(':')
}

/** As a manual writes it: `msg:header(name, value?, mode?)`. */
export function signatureOf({ name, parameters }: Declaration): string {
  return parameters === undefined ? name : `${name}(${parameters.join(', ')})`
}

function parameterText({ name, absent, rest }: Parameter<unknown>): string {
  if (rest) return `...${name}`
  return absent ? `${name}?` : name
}
