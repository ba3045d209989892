// Context variables: string to string, one dictionary for the connection and one for the message.
// Keys and values are byte strings (mail/bytes.ts). A Map, so that no name can reach a prototype.

export type ContextVariables = ReadonlyMap<string, string>

/** The two dictionaries that belong to a message: the connection's as carried over, and its own. */
export interface Context {
  readonly connection: Map<string, string>
  readonly message: Map<string, string>
}

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
