// The scripts that share one Lua state, and what is known of them together: globals, fields of tables,
// who calls whom. Built once; rules ask it.
import type { Definition, Facts, Owner, Variable } from './facts.ts'
import type { Place } from './finding.ts'
import type {
  Block,
  Call,
  Expression,
  FunctionExpression,
  MethodCall,
  Name,
  TableExpression,
} from './syntax/ast.ts'
import type { Value } from './value.ts'
import type { Phase } from '../policy/phases.ts'

export interface Script {
  readonly file: string
  /** A byte string. */
  readonly source: string
  readonly chunk: Block
  readonly facts: Facts
  /** The name that it gives to `module`, and whether globals stay visible behind that. */
  readonly module: { readonly name: string; readonly seesGlobals: boolean } | undefined
  /** It changes its environment, so that nobody knows its globals. */
  readonly isDynamic: boolean
  /** The stanza that loads it; undefined when it is only required, or checked without a configuration. */
  readonly stanza: string | undefined
  /** Who requires it, and whom: files that share its globals for certain. */
  readonly requires: readonly string[]
}

export interface CallSite {
  readonly script: Script
  readonly owner: Owner
  /** `self` first when it is called with a colon. */
  readonly arguments: readonly Expression[]
}

/** A module that a script gives to msys.registerModule. */
export interface Registration {
  readonly script: Script
  readonly owner: Owner
  readonly node: Call | MethodCall
  readonly name: string | undefined
  readonly table: Value
}

/** A function that is called by the server. */
export interface Callout {
  readonly phase: Phase
  /** As it is written, which may be an alias. */
  readonly name: string
  readonly node: FunctionExpression
  readonly script: Script
}

export type FieldHolder = TableExpression | Script

export interface Program {
  readonly scripts: readonly Script[]
  /** By the name that is required or given to `module`. */
  readonly modules: ReadonlyMap<string, Script>
  readonly variables: ReadonlyMap<Name, Variable>
  /** Which script a global stands in. */
  readonly scriptOfGlobal: ReadonlyMap<Name, Script>
  readonly scriptOfFunction: ReadonlyMap<FunctionExpression, Script>
  /** The functions around a function; undefined: the main chunk. */
  readonly ownerOfFunction: ReadonlyMap<FunctionExpression, Owner>
  readonly globals: Map<string, Definition[]>
  readonly fields: Map<FieldHolder, Map<string, Definition[]>>
  /** The table that a function was defined in: what `self` is in it, or falls back on. */
  readonly holders: Map<FunctionExpression, FieldHolder>
  /** Tables that get fields whose names are not known. */
  readonly openTables: Set<FieldHolder>
  readonly callers: Map<FunctionExpression, CallSite[]>
  readonly registrations: Registration[]
  readonly callouts: Map<FunctionExpression, Callout>
  /** The names of the callouts in which a function runs, as far as that is known. */
  readonly runsIn: Map<FunctionExpression, Set<Callout>>
  /** What has been found out about expressions. */
  readonly known: Map<Expression, Value>
}

export function fieldsOf(program: Program, holder: FieldHolder): Map<string, Definition[]> {
  const found = program.fields.get(holder) ?? new Map<string, Definition[]>()
  program.fields.set(holder, found)
  return found
}

/** Where an octet of a script stands; columns count characters. */
export function placeOf({ file, source }: Pick<Script, 'file' | 'source'>, at: number): Place {
  const before = source.slice(0, at)
  const start = Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r')) + 1
  let line = 1
  for (const _ of before.matchAll(/\r\n|\n\r|\n|\r/g)) line++
  const column = Array.from(Buffer.from(before.slice(start), 'latin1').toString('utf8')).length + 1
  return { file, line, column }
}
