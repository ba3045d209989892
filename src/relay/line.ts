// What one worker has on its way: a message that its peer has not confirmed yet may have the next one behind it,
// over the same connection. At most two: the peer confirms the first before it takes the octets of the second.
import type { Client } from './client.ts'

/** The connection of a message that waits to be confirmed. */
export interface Offer {
  readonly client: Client
  /** The next message goes there: it gives the connection back. */
  isTaken: boolean
}

export interface Line {
  /** Of the message that was sent last. */
  offer: Offer | undefined
  /** Resolves when that message is over. */
  former: Promise<unknown> | undefined
  /** Whether the worker has a message to send behind one that leaves now. */
  willFollow(): boolean
}
