// Phase strings, as rejectlog has them, by Momentum's number of them (manual page
// "apis.esmtp_message_factory_state").

export const CONNECT = 'just connected'
export const HELLO = 'awaiting ehlo/helo'
export const BODY = 'reading body'
export const ASYNC_BODY = 'async body response'

const STATES = [
  CONNECT,
  'sending banner',
  HELLO,
  'sending ehlo/helo response',
  'awaiting mailfrom',
  'sending mailfrom response',
  'awaiting rcptto',
  'sending rcptto response',
  'data phase',
  BODY,
  'sending body response',
  'async body handler',
  ASYNC_BODY,
  'relaying denied',
  'extension 1',
  'extension 2',
  'extension 3',
  'extension 4',
  'concurrency limit',
  'rcptto list response',
  'rcptto list final response',
  'esmtp setup phase',
]

/** -1: no phase has that string. */
export function stateNumber(state: string): number {
  return STATES.indexOf(state)
}
