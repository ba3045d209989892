// A message while policy works on it: the one received, and then one copy for each recipient.
// Copies share the bytes of `base` until somebody edits them; edits replace `fields` or `body`.
import type { Field } from '../mime/field.ts'
import { type Context, copyContext } from './context.ts'
import type { Envelope } from './envelope.ts'

/** The two ends of the connection that a message came over. */
export interface Endpoints {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
}

export interface Message {
  /** `00/00-<pid>-<hex>`; siblings differ in the first two bytes. */
  readonly id: string
  /** The id shared by all copies of one reception. */
  readonly batchId: string
  readonly connectionId: string
  /** Where it came from; a message that policy made came from nowhere. */
  readonly endpoints?: Endpoints
  /** The message as received, CRLF-canonical, without dot-stuffing. */
  readonly base: Buffer
  /** Each a slice of `base`, or new bytes. */
  readonly fields: readonly Field[]
  /** The empty line between header and body; empty when the message has none. */
  readonly separator: Buffer
  readonly body: Buffer
  readonly envelope: Envelope
  readonly context: Context
  readonly receivedMs: number
  /** 1: leaves the queue before others. */
  readonly priority?: 0 | 1
  /** Set by `msg:code`: a reply as the next hop might give it, begins with an SMTP code. */
  readonly status?: string
  /** Links and pixel are in: nothing puts them in a second time. */
  readonly isTracked?: true
  /** Set by `msg:discard`: the reason, which begins with an SMTP code. */
  readonly discarded?: string
}

/** One recipient's copy: the same bytes, dictionaries of its own. */
export function forkMessage(message: Message, id: string, envelope: Envelope): Message {
  return { ...message, id, envelope, context: copyContext(message.context) }
}
