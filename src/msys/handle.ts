// What Lua holds of mail: a handle whose content is replaced when policy edits it, and which dies when the
// transaction or the session is over. A method on a dead handle raises and says why: policy may keep one
// in a global, in `self` or in a timer.
import { LuaCallError } from '../lua/error.ts'
import type { Message } from '../mail/message.ts'

export interface Handle {
  /** Why the object is gone; undefined while it lives. */
  gone?: string
}

export interface MessageHandle extends Handle {
  current: Message
  /** The callout that runs now, for functions that belong to some phases only. */
  callout: string
}

export function assertAlive(handle: Handle, kind: string): void {
  if (handle.gone) throw new LuaCallError(`${kind} is gone (${handle.gone})`)
}
