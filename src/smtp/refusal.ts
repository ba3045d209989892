// What a connection answers by itself, without its Conversation: protocol violations and deadlines.
import type { Reply } from '../mail/reply.ts'
import type { Conversation } from './conversation.ts'

export const DATA_FOLLOWS: Reply = { code: 354, text: 'end data with <CR><LF>.<CR><LF>' }

export const LINE_TOO_LONG: Reply = { code: 500, enhanced: '5.5.2', text: 'line too long' }
export const ENDLESS_LINE: Reply = { ...LINE_TOO_LONG, close: true }
export const LONE_LINE_END: Reply = {
  code: 500,
  enhanced: '5.5.2',
  text: 'lines must end in <CR><LF>',
}

export const NO_MEMORY: Reply = {
  code: 452,
  enhanced: '4.3.1',
  text: 'insufficient memory, try again later',
}

export const TOO_MANY_ERRORS = goodbye('4.7.0', 'too many errors')
export const HTTP_REQUEST = goodbye('4.7.0', 'this is not an HTTP server')
export const IDLE = goodbye('4.4.2', 'idle for too long')
export const DATA_TOO_SLOW = goodbye('4.4.2', 'data took too long')
export const TOO_MANY_SESSIONS = goodbye('4.4.5', 'Service unavailable, concurrency limit reached.')
export const SHUTTING_DOWN = goodbye('4.3.2', 'Service shutting down')

function goodbye(enhanced: string, text: string): Reply {
  return { code: 421, enhanced, text, close: true }
}

/** A session that only says this. */
export function refusing(reply: Reply): Conversation {
  return {
    greet: () => reply,
    command: () => reply,
    data: () => reply,
    received: () => reply,
    violation() {},
    closed() {},
    secured: () => undefined,
  }
}
