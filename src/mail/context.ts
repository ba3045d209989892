// Context variables: string to string, one dictionary for the connection and one for the message.
// Keys and values are byte strings (mail/bytes.ts). A Map, so that no name can reach a prototype.

export type ContextVariables = ReadonlyMap<string, string>

/** The two dictionaries that belong to a message: the connection's as carried over, and its own. */
export interface Context {
  readonly connection: Map<string, string>
  readonly message: Map<string, string>
}

/** Variables in which a dictionary differs from another; null: deleted. */
export type Changes = Readonly<Record<string, string | null>>

export interface ContextChanges {
  readonly connection: Changes
  readonly message: Changes
}

export const UNCHANGED: ContextChanges = { connection: {}, message: {} }

const DICTIONARIES = ['connection', 'message'] as const

export function emptyContext(): Context {
  return { connection: new Map(), message: new Map() }
}

/** Dictionaries of its own for a copy: what one recipient's policy sets, no other recipient sees. */
export function copyContext(context: Context): Context {
  return { connection: new Map(context.connection), message: new Map(context.message) }
}

/** Message first, then connection (design.md §13): so XSETCONTEXT values reach the transform. */
export function lookUp(context: Context, name: string): string | undefined {
  return context.message.get(name) ?? context.connection.get(name)
}

/** What a copy's dictionaries hold that others do not. */
export function contextChanges(common: Context, own: Context): ContextChanges {
  return {
    connection: difference(common.connection, own.connection),
    message: difference(common.message, own.message),
  }
}

export function applyChanges(context: Context, changes: ContextChanges): void {
  for (const which of DICTIONARIES) {
    for (const [name, value] of Object.entries(changes[which])) {
      if (value === null) context[which].delete(name)
      else context[which].set(name, value)
    }
  }
}

function difference(common: ContextVariables, own: ContextVariables): Changes {
  const changed: [string, string | null][] = []
  for (const [name, value] of own) if (common.get(name) !== value) changed.push([name, value])
  for (const name of common.keys()) if (!own.has(name)) changed.push([name, null])
  return Object.fromEntries(changed)
}
