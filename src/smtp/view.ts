// `vctx` for callouts about one copy or one line of a log, whose dictionaries are not the session's.
import type { Context } from '../mail/context.ts'
import type { ValidationContext } from '../msys/handle.ts'
import { noVerdict } from '../msys/verdict.ts'
import type { Session } from './state.ts'

/**
 * The session's `vctx`, bound to a copy: it reads and writes the copy's dictionaries. What it sets on the
 * connection also holds for later messages of the session, but not for the other copies of this one.
 */
export function viewOf(session: Session, context: Context): ValidationContext {
  const { recipients } = session.vctx
  return {
    kind: 'vctx',
    context,
    recipients,
    verdict: noVerdict(),
    grants: (name) => context.connection.get(name) === 'true' && !session.injected.has(name),
    onConnectionVariable(name, value) {
      if (value === undefined) session.context.connection.delete(name)
      else session.context.connection.set(name, value)
      session.injected.delete(name)
    },
    panic: (text) => session.vctx.panic(text),
  }
}
