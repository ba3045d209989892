// What a check finds: a place, how bad it is, the rule that found it, and what to know about it.

export const LEVELS = ['error', 'warning', 'info'] as const
export type Level = (typeof LEVELS)[number]

export interface Finding {
  readonly file: string
  /** From 1; 0 when the whole file is meant. */
  readonly line: number
  /** Characters from 1. */
  readonly column: number
  readonly level: Level
  readonly rule: RuleId
  /** What is concerned: a name of the API, a global, a callout, a module; empty when nothing has one. */
  readonly name: string
  readonly message: string
  /** A line of documentation; empty when there is none. */
  readonly doc: string
}

/** Every rule: the level of what it finds, and what it looks for. */
export const RULES = {
  config: ['error', 'The configuration does not load, or holds what is not supported'],
  syntax: ['error', 'The script is not Lua, often because copying has damaged it'],
  missing: ['error', 'Something is used that does not exist or is not implemented'],
  stub: ['error', 'Something is used that belongs to another product: it raises and says so'],
  partial: ['info', 'Something is used that differs from Momentum'],
  unknown: ['warning', 'A name is made at run time: nobody can tell what it is'],
  'undefined-global': ['error', 'A global is read that nothing defines'],
  'global-write': ['warning', 'A global is written at run time: all sessions share it'],
  'missing-module': ['error', 'A module is required that cannot be found'],
  arity: ['warning', 'A function is called with too few or too many arguments'],
  'wrong-phase': ['error', 'A function is called in a callout that does not allow it'],
  'wrong-call': ['warning', 'A dot stands where a colon is meant, or the other way round'],
  'unknown-callout': [
    'warning',
    'A function looks like a callout that does not exist: it never runs',
  ],
  'never-registered': ['warning', 'A script never calls msys.registerModule: it never runs'],
  'module-name': ['warning', 'A module has another name than its script stanza'],
  'callout-parameters': ['warning', 'A callout names parameters that it does not get'],
  'callout-result': ['info', 'A callout can end without a verdict'],
  'init-result': ['error', 'init does not return true: the configuration is refused'],
  'octal-number': ['warning', 'A number with a leading zero is octal'],
  'octal-text': ['warning', 'Text with a leading zero is read as an octal number'],
  'number-text': ['warning', 'A number is compared with text'],
  'always-true': ['warning', 'A condition cannot fail: "", 0 and tables are true in Lua'],
  'never-nil': ['warning', 'A result is compared with nil that never is nil'],
  'maybe-nil': ['warning', 'A result that may be nil is used without a test'],
  'dumped-text': ['warning', 'The output of the Dumper is used as data'],
  'literal-parameter': ['warning', 'The name of a parameter is given as its value'],
  'swapped-constant': ['warning', 'A dictionary has the name of the other one'],
  'unset-field': ['warning', 'A field is read that is only set under a similar name'],
  'copied-text': ['warning', 'A text holds what copying from a web page leaves behind'],
} as const satisfies Readonly<Record<string, readonly [Level, string]>>

export type RuleId = keyof typeof RULES

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

export interface Details {
  readonly name?: string
  readonly doc?: string
  /** When it is not the rule's own. */
  readonly level?: Level
}

export function finding(
  rule: RuleId,
  place: Place,
  message: string,
  details: Details = {},
): Finding {
  const { name = '', doc = '', level = RULES[rule][0] } = details
  return { ...place, level, rule, name, message, doc }
}
