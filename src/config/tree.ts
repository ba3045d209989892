// The tree of an ecelerity.conf: scopes, which hold settings and further scopes (Momentum manual,
// "conf.overview"). Scope kinds and option names are in lower case, everything else is a byte string as
// written. Opening the same kind and instance again continues the scope; a repeated option replaces.
import type { Place } from './error.ts'

export interface Text {
  readonly kind: 'text'
  readonly text: string
  readonly place: Place
}

export interface List {
  readonly kind: 'list'
  readonly items: readonly Text[]
  readonly place: Place
}

export interface Dictionary {
  readonly kind: 'dictionary'
  readonly entries: ReadonlyMap<string, Text | List>
  readonly place: Place
}

export type Value = Text | List | Dictionary

export interface Setting {
  readonly name: string
  readonly value: Value
  readonly place: Place
}

export interface Scope {
  readonly kind: string
  readonly instance?: string
  readonly options: ReadonlyMap<string, Setting>
  /** In the order in which they are first opened. */
  readonly scopes: readonly Scope[]
  readonly place: Place
}

/** A scope that is being read. */
export interface OpenScope extends Scope {
  readonly options: Map<string, Setting>
  readonly scopes: OpenScope[]
  /** The same scopes by kind and instance. */
  readonly index: Map<string, OpenScope>
}

export function openRoot(place: Place): OpenScope {
  return { kind: 'global', options: new Map(), scopes: [], index: new Map(), place }
}

/** The scope of this kind and instance within `parent`, new or opened before. */
export function openScope(
  parent: OpenScope,
  kind: string,
  instance: string | undefined,
  place: Place,
): OpenScope {
  const key = instance === undefined ? kind : `${kind} ${instance}`
  const known = parent.index.get(key)
  if (known) return known
  const scope: OpenScope = {
    kind,
    ...(instance === undefined ? {} : { instance }),
    options: new Map(),
    scopes: [],
    index: new Map(),
    place,
  }
  parent.index.set(key, scope)
  parent.scopes.push(scope)
  return scope
}
