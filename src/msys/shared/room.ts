// What strangers can make policy count must not fill the memory: keys are bounded in length, and what finds
// no room is left out and said once.
import { createHash } from 'node:crypto'
import type { Runtime } from '../runtime.ts'
import type { Change, SharedState } from './state.ts'

/** Octets of a key that is kept as it is; of a longer one its hash is. */
const LONGEST_KEY = 256

const warned = new WeakSet<SharedState>()

/** A change; when there is no room for it, paniclog says so, once. */
export function applyOrWarn({ shared, panic }: Runtime, change: Change): void {
  if (shared.apply(change) || warned.has(shared)) return
  warned.add(shared)
  panic(`${change.kind}: there is no room for more; what is new is not counted`)
}

export function boundedKey(key: string): string {
  if (key.length <= LONGEST_KEY) return key
  return createHash('sha256').update(key, 'latin1').digest('hex')
}
