// A Lua script as a tree of plain data. `at` is the octet in the source at which a node's most telling
// token begins: the name of a field, the operator of an expression, the keyword of a statement.

export type Expression =
  | Constant
  | NumberLiteral
  | StringLiteral
  | FunctionExpression
  | Name
  | Index
  | Call
  | MethodCall
  | TableExpression
  | Binary
  | Unary
  | Group

export interface Constant {
  readonly kind: 'nil' | 'true' | 'false' | 'vararg'
  readonly at: number
}
export interface NumberLiteral {
  readonly kind: 'number'
  readonly at: number
  readonly text: string
}
export interface StringLiteral {
  readonly kind: 'string'
  readonly at: number
  /** One character for each octet. */
  readonly value: string
}
export interface Name {
  readonly kind: 'name'
  readonly at: number
  readonly name: string
}
export interface FunctionExpression {
  readonly kind: 'function'
  readonly at: number
  /** With `self` first when it was defined by a colon. */
  readonly parameters: readonly Name[]
  readonly isVararg: boolean
  readonly isMethod: boolean
  readonly body: Block
  /** Where its `end` stands. */
  readonly end: number
}
/** `object.key` (key is a string literal) or `object[key]`. */
export interface Index {
  readonly kind: 'index'
  readonly at: number
  readonly object: Expression
  readonly key: Expression
}
export interface Call {
  readonly kind: 'call'
  readonly at: number
  readonly callee: Expression
  readonly arguments: readonly Expression[]
}
export interface MethodCall {
  readonly kind: 'method'
  readonly at: number
  readonly object: Expression
  readonly name: string
  readonly arguments: readonly Expression[]
}
export interface TableExpression {
  readonly kind: 'table'
  readonly at: number
  readonly items: readonly TableItem[]
}
export interface TableItem {
  /** Undefined for an item of the array part. */
  readonly key: Expression | undefined
  readonly value: Expression
}
export interface Binary {
  readonly kind: 'binary'
  readonly at: number
  readonly operator: string
  readonly left: Expression
  readonly right: Expression
}
export interface Unary {
  readonly kind: 'unary'
  readonly at: number
  readonly operator: string
  readonly operand: Expression
}
export interface Group {
  readonly kind: 'group'
  readonly at: number
  readonly inner: Expression
}

export type Block = readonly Statement[]

export type Statement =
  | {
      readonly kind: 'local'
      readonly at: number
      readonly names: readonly Name[]
      readonly values: readonly Expression[]
    }
  | {
      readonly kind: 'assign'
      readonly at: number
      readonly targets: readonly Expression[]
      readonly values: readonly Expression[]
    }
  | { readonly kind: 'expression'; readonly at: number; readonly expression: Expression }
  | { readonly kind: 'do'; readonly at: number; readonly body: Block }
  | {
      readonly kind: 'while'
      readonly at: number
      readonly condition: Expression
      readonly body: Block
    }
  | {
      readonly kind: 'repeat'
      readonly at: number
      readonly body: Block
      readonly condition: Expression
    }
  | {
      readonly kind: 'if'
      readonly at: number
      readonly branches: readonly Branch[]
      readonly otherwise: Block | undefined
    }
  | {
      readonly kind: 'for'
      readonly at: number
      readonly names: readonly Name[]
      readonly values: readonly Expression[]
      readonly isNumeric: boolean
      readonly body: Block
    }
  | {
      readonly kind: 'localfunction'
      readonly at: number
      readonly name: Name
      readonly value: FunctionExpression
    }
  | { readonly kind: 'return'; readonly at: number; readonly values: readonly Expression[] }
  | { readonly kind: 'break'; readonly at: number }

export interface Branch {
  readonly condition: Expression
  readonly body: Block
}
