// How the tables of options are written. A row names the option (old spellings after a blank), its type,
// its default and the scopes where it is valid; the key of a row is the field of the typed result.
import type { Value } from '../tree.ts'
import type { Place } from '../error.ts'
import type { Type } from '../value.ts'

export type Warn = (place: Place, text: string) => void

export interface Option<T> {
  readonly support: 'honoured'
  readonly names: readonly string[]
  readonly type: Type<T & {}>
  readonly fallback: T
  readonly scopes: readonly string[]
  /** Looks closer at a value of the right type: warns, or throws `ConfigError`. */
  readonly inspect?: (value: Value, warn: Warn) => void
}

/** Momentum knows it, we do not yet: any value is accepted, and one warning given. */
export interface KnownOption {
  readonly support: 'known'
  readonly names: readonly string[]
  readonly scopes: readonly string[]
}

export type Table = Readonly<Record<string, Option<unknown>>>

/** The typed result of a table. */
export type Resolved<T extends Table> = {
  readonly [Field in keyof T]: T[Field] extends Option<infer V> ? V : never
}

/** All five scopes that describe who may connect, and how. */
export const LISTENER = ['esmtp_listener', 'listen', 'peer', 'pathway', 'pathway_group'] as const

export function option<T extends {}>(
  names: string,
  type: Type<T>,
  fallback: NoInfer<T>,
  scopes: readonly string[],
  inspect?: Option<T>['inspect'],
): Option<T> {
  return { ...optional(names, type, scopes), fallback, ...(inspect ? { inspect } : {}) }
}

/** An option without a default. */
export function optional<T extends {}>(
  names: string,
  type: Type<T>,
  scopes: readonly string[],
): Option<T | undefined> {
  return { support: 'honoured', names: names.split(' '), type, fallback: undefined, scopes }
}

export function known(scopes: readonly string[], names: string): KnownOption {
  return { support: 'known', names: names.trim().split(/\s+/), scopes }
}
