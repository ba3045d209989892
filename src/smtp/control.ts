// What the sockets of a listener are told, and what a session may do to its own.
import type { Reply } from '../mail/reply.ts'
import type { Conversation, Peer } from './conversation.ts'
import type { DialogueSettings } from './dialoguestate.ts'

/** What a session may do to its own connection. */
export interface Control {
  /** Ends it with a reply: now, or after the reply to the command being worked on. */
  close(reply?: Reply): void
  /** From now on, instead of the listener's. */
  setIdleSeconds(seconds: number): void
}

export interface ServerSettings extends DialogueSettings {
  /** The time for the header that a client with this address puts first; undefined: it puts none. */
  readonly proxySeconds?: (remoteAddress: string) => number | undefined
  /** Sessions at once; 0: no limit. */
  readonly maxSessions: number
  readonly converse: (peer: Peer, control: Control) => Conversation
}
