// What the primary of several workers asks them, and what they say of themselves.
import type { HostPort } from '../config/config.ts'
import type { Load } from '../fleet/balance.ts'
import type { Snapshot } from './snapshot.ts'
import type { Change } from '../msys/shared/state.ts'

export type FleetRequest =
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  /** The two steps of a reload; `drop` says why there is no second one. */
  | { readonly kind: 'prepare'; readonly snapshot: Snapshot }
  | { readonly kind: 'adopt' | 'drop' }
  /** Says in paniclog why a reload changes nothing. */
  | { readonly kind: 'refuse'; readonly reason: string }
  /** What is new since that number. */
  | { readonly kind: 'news'; readonly since: number }
  /** Traces of a connection, a reception or a copy; without an id the receptions that there are traces of. */
  | { readonly kind: 'traces'; readonly id?: string }
  | { readonly kind: 'reopen' | 'close' | 'metrics' | 'contents' }

/** What a worker asks the primary. */
export type WorkerQuestion =
  /** The configuration that all have; what the console has set since; the metrics of all; what policy of another has counted. */
  | { readonly kind: 'snapshot' | 'standing' | 'metrics' | 'contents' }
  /** Options that policy has set, as console commands; answered when the others have been told. */
  | { readonly kind: 'options'; readonly commands: readonly (readonly string[])[] }
  /** A named lock; answered with its fencing number when it is the worker's turn. */
  | { readonly kind: 'lock'; readonly id: number; readonly name: string }
  | { readonly kind: 'unlock'; readonly id: number }

/** What policy has counted and kept. */
export interface Contents {
  /** The worker that says so. */
  readonly slot: number
  readonly changes: readonly Change[]
  /** How far it has read what other nodes said. */
  readonly position: string | undefined
}

/** Topics: changes of what policy counts; what was said before this is in the contents that were asked for. */
export const STATE = 'state'
export const STATE_MARK = 'state mark'

/** Topic: options that policy of another worker has set, as console commands. */
export const OPTIONS = 'options'

/** Once it does its work. */
export interface WorkerFacts {
  readonly smtp: readonly HostPort[]
  readonly http: readonly HostPort[]
  readonly scripts: readonly string[]
}

/** Every second, and whenever sessions began or ended. */
export interface WorkerStatus {
  readonly notReady: string | undefined
  /** Of its SMTP listeners. */
  readonly loads: readonly Load[]
}
