// Who looks on while a session works: a rehearsal, which has no other way to see what policy refused.
import type { Context } from '../mail/context.ts'
import type { Message } from '../mail/message.ts'
import type { CopyResult } from './copies.ts'
import type { Session } from './state.ts'

export interface Watcher {
  /** MAIL is to be judged: the message's dictionary holds what the server knows, policy has not seen it. */
  began(session: Session): void
  /** One recipient's copy, of a client's message or of one that policy sends, has run to its end. */
  ended(copy: SeenCopy): void
}

export interface SeenCopy {
  readonly session: Session
  /** As its callouts began with it; `before` are its dictionaries then. */
  readonly original: Message
  readonly before: Context
  /** As they left it. */
  readonly message: Message
  readonly result: CopyResult
}
