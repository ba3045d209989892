// What goes wrong in Lua, as TypeScript sees it, and what host functions throw to go wrong in Lua.

export type LuaErrorKind = 'runtime' | 'syntax' | 'killed'
export type KillReason = 'cpu' | 'wall' | 'memory' | 'closed'

export interface LuaErrorDetails {
  readonly traceback?: string | undefined
  readonly reason?: KillReason | undefined
  readonly cause?: unknown
}

/** A call or load that failed. `message` is Lua's own, "file:line: text"; a syntax error adds its column. */
export class LuaError extends Error {
  override name = 'LuaError'
  readonly kind: LuaErrorKind
  readonly script?: string
  readonly line?: number
  /** Of a syntax error: characters from 1. */
  readonly column?: number
  readonly traceback?: string
  readonly reason?: KillReason

  constructor(kind: LuaErrorKind, message: string, details: LuaErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = kind
    const [, script, line] = /^(.*?):(\d+):/s.exec(message) ?? []
    if (script !== undefined && line !== undefined) {
      this.script = script
      this.line = Number(line)
    }
    const column = kind === 'syntax' ? / at column (\d+)/.exec(message)?.[1] : undefined
    if (column !== undefined) this.column = Number(column)
    if (details.traceback !== undefined) this.traceback = details.traceback
    if (details.reason !== undefined) this.reason = details.reason
  }
}

/** Thrown by a host function to raise a plain Lua error; the caller's file and line are put before it. */
export class LuaCallError extends Error {
  override name = 'LuaCallError'
}
