// What the Lua library itself provides of Momentum's API (src/lua/library): declared here for the table,
// bound there.
import type { Declaration } from './declaration.ts'

const ROWS: readonly (readonly [name: string, parameters: readonly string[], doc: string])[] = [
  ['thread.mutex', ['type?'], 'a lock; waiting for it suspends the callout'],
  ['thread.rwlock', [], 'a lock for many readers or one writer'],
  ['thread.condition', [], 'a condition that callouts wait for'],
  ['thread.sleep', ['seconds'], 'waits'],
  ['thread.create', ['run'], 'there are no threads beside callouts'],
]

export const LIBRARY: readonly Declaration[] = ROWS.map(([name, parameters, doc]) => ({
  name,
  parameters,
  result: 'userdata',
  tier: name === 'thread.mutex' ? 1 : 3,
  support: name === 'thread.create' ? 'unavailable' : 'full',
  doc,
}))
