// A message while policy works on it: the one received, and then one copy for each recipient.
// Copies share the bytes of `base` until somebody edits them; edits replace `fields` or `body`.
import type { Field } from '../mime/field.ts'
import { type Context, copyContext } from './context.ts'
import type { Envelope } from './envelope.ts'

export interface Message {
  /** `00/00-<pid>-<hex>`; siblings differ in the first two bytes. */
  readonly id: string
  /** The id shared by all copies of one reception. */
  readonly batchId: string
  readonly connectionId: string
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
  /** Set by `msg:discard`: the reason, which begins with an SMTP code. */
  readonly discarded?: string
}

/** One recipient's copy: the same bytes, dictionaries of its own. */
export function forkMessage(message: Message, id: string, envelope: Envelope): Message {
  return { ...message, id, envelope, context: copyContext(message.context) }
}
