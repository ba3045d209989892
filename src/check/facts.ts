// What a script does, as lists that rules look through: which name means which variable, what is called,
// read and written where, and what is tested.
import type {
  Call,
  Expression,
  FunctionExpression,
  Index,
  MethodCall,
  Name,
  Statement,
} from './syntax/ast.ts'

/** The function that something stands in; undefined for the main chunk. */
export type Owner = FunctionExpression | undefined

/** A value that a variable, global or field is given. */
export interface Definition {
  /** Undefined when it is none that stands in the source: an item of a loop. */
  readonly value: Expression | undefined
  /** Which result of `value` when that is a call with several: from 0. */
  readonly index: number
}

export interface Variable {
  readonly name: string
  readonly owner: Owner
  /** Its index among the parameters of `owner`; undefined for other locals. */
  readonly parameter: number | undefined
  readonly definitions: Definition[]
  /** It decides something somewhere: a condition, a comparison, an operand of and/or. */
  isTested: boolean
}

export interface Within<T> {
  readonly node: T
  readonly owner: Owner
}

export interface FieldWrite extends Within<Index> {
  readonly definition: Definition
}

export interface GlobalWrite extends Within<Name> {
  readonly definition: Definition
}

export type Returned = Extract<Statement, { kind: 'return' }>

export interface Facts {
  readonly variables: ReadonlyMap<Name, Variable>
  readonly globalReads: readonly Within<Name>[]
  readonly globalWrites: readonly GlobalWrite[]
  readonly calls: readonly Within<Call | MethodCall>[]
  readonly indexes: readonly Within<Index>[]
  readonly fieldWrites: readonly FieldWrite[]
  readonly functions: readonly Within<FunctionExpression>[]
  /** Everything else that rules look at. */
  readonly expressions: readonly Within<Expression>[]
  readonly conditions: readonly Within<Expression>[]
  readonly returns: readonly Within<Returned>[]
}
