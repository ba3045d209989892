// What a dialogue knows while it goes on, and what it asks of its connection.
import type { TlsOptions } from '../config/tls.ts'
import type { Eventually } from '../mail/eventually.ts'
import { type Reply, replyTo, SmtpError } from '../mail/reply.ts'
import type { Answer, Conversation, Received } from './conversation.ts'
import { openLines } from './line.ts'
import type { Reader } from './scanner.ts'

export interface DialogueSettings {
  /** The time a client has for its next whole command, or for the next octets of its data; 0: any. */
  readonly idleSeconds: number
  /** The time it has for all octets between 354 and the final dot. */
  readonly dataSeconds: number
  /** Replies 500 to 504 since the last message; the one that reaches it becomes 421. */
  readonly maxBadCommands: number
  /** What should not happen: the Conversation threw. */
  readonly report: (error: unknown) => void
}

/** Our side of the connection. */
export interface Wire {
  /** Byte string. False: the client does not read; `drained` will be called when it has. */
  write(replies: string): boolean
  /** No octets will be taken any more. */
  end(): void
  /** Begins the handshake; `resume` lets go of the input that came before it. */
  startTls(options: TlsOptions, resume: () => void): void
  /** Ends the connection at once, without another octet. */
  abort(): void
}

export const EMPTY = Buffer.alloc(0)

export type State = ReturnType<typeof makeState>

export function initialState(
  conversation: Conversation,
  wire: Wire,
  settings: DialogueSettings,
): State {
  const state = makeState(conversation, wire, settings)
  state.lines = linesOf(state)
  return state
}

/** Whether more input may be taken now. */
export function canGoOn(state: State): boolean {
  const { isAsking, isBlocked, isOver, isSecuring, isYielding } = state
  return !isAsking && !isYielding && !isBlocked && !isOver && !isSecuring
}

/** Lines that answer a question of ours may be long. */
export function linesOf(state: { listener: unknown }): ReturnType<typeof openLines> {
  return openLines(() => state.listener !== undefined)
}

/** The reply to what the Conversation raised; a bug is reported. */
export function failure(state: State, error: unknown): Reply {
  if (!(error instanceof SmtpError)) state.settings.report(error)
  return replyTo(error)
}

/** Tells the Conversation something; that it raises changes nothing. */
export function tell(state: State, message: () => void): void {
  try {
    message()
  } catch (error) {
    state.settings.report(error)
  }
}

function makeState(conversation: Conversation, wire: Wire, settings: DialogueSettings) {
  return {
    conversation,
    wire,
    settings,
    lines: openLines(),
    /** What the next line goes to, when it is no command. */
    listener: undefined as ((line: string) => Eventually<Answer>) | undefined,
    isSecuring: false,
    isGreeted: false,
    /** Between 354 and the final dot. */
    scanner: undefined as Reader<{ received: Received }> | undefined,
    chunk: EMPTY as Buffer,
    more: undefined as (() => void) | undefined,
    outbox: '',
    isAsking: false,
    /** Other clients have their turn. */
    isYielding: false,
    /** The client does not read its replies, so they must not become more. */
    isBlocked: false,
    isOver: false,
    isFirstCommand: true,
    badCommands: 0,
    farewell: undefined as Reply | undefined,
    idleMs: settings.idleSeconds * 1_000,
    idleTimer: undefined as NodeJS.Timeout | undefined,
    dataTimer: undefined as NodeJS.Timeout | undefined,
  }
}
