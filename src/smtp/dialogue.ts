// One client's dialogue without its socket: octets in, Conversation asked, replies out. Commands run
// strictly one after the other, at most one is with the Conversation at a time, and input waits
// meanwhile. Replies gather until the input is used up or an answer has to be waited for, then leave
// in one write (RFC 2920 §3.2). Deadlines are for whole commands, so that single octets buy no time.
import type { TlsOptions } from '../config/tls.ts'
import { type Eventually, MAX_TIMER_MS, orElse } from '../mail/eventually.ts'
import { type Reply, replyBytes } from '../mail/reply.ts'
import type { Answer, Command, Conversation, TlsFacts, Received } from './conversation.ts'
import type { Line } from './line.ts'
import {
  DATA_FOLLOWS,
  DATA_TOO_SLOW,
  ENDLESS_LINE,
  HTTP_REQUEST,
  IDLE,
  LINE_TOO_LONG,
  LONE_LINE_END,
  TOO_MANY_ERRORS,
} from './refusal.ts'
import {
  canGoOn,
  EMPTY,
  failure,
  initialState,
  linesOf,
  type State,
  tell,
  type Wire,
  type DialogueSettings,
} from './dialoguestate.ts'
import { openScanner } from './scanner.ts'

export interface Dialogue {
  readonly greet: () => void
  /** `more` is called when it is used up, until then no other may come; its memory is free on return. */
  readonly take: (chunk: Buffer, more: () => void) => void
  readonly drained: () => void
  /** Ends the dialogue with a reply: now, or after the reply to the command being worked on. */
  readonly dismiss: (reply: Reply) => void
  readonly setIdleSeconds: (seconds: number) => void
  /** The handshake is done. */
  readonly secured: (facts: TlsFacts) => void
  /** The connection is gone. */
  readonly stop: () => void
}

/** Commands of one client before other clients have their turn. */
const MAX_COMMANDS_PER_TURN = 100
/** Octets of replies that are kept back at most while there is more input. */
const MAX_OUTBOX = 16_384

// What a web page can make a browser send to a mail server begins with one of these.
const HTTP = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT) /i

export function openDialogue(
  conversation: Conversation,
  wire: Wire,
  settings: DialogueSettings,
): Dialogue {
  const state = initialState(conversation, wire, settings)
  return {
    greet() {
      startIdleTimer(state)
      if (conversation.implicitTls) secure(state, conversation.implicitTls)
      else greet(state)
    },
    take(chunk, more) {
      state.chunk = chunk
      state.more = more
      if (state.scanner) state.idleTimer?.refresh()
      run(state)
      if (state.chunk.length > 0) state.chunk = Buffer.from(state.chunk)
    },
    drained() {
      state.isBlocked = false
      run(state)
    },
    dismiss(reply) {
      if (state.isOver) return
      if (state.isSecuring) return wire.abort()
      state.farewell ??= reply
      if (!state.isAsking && !state.isYielding && !state.scanner) part(state)
    },
    setIdleSeconds(seconds) {
      state.idleMs = seconds * 1_000
      if (!state.isOver) startIdleTimer(state)
    },
    secured(facts) {
      state.isSecuring = false
      startIdleTimer(state)
      state.isAsking = true
      const refusal = orElse(
        () => conversation.secured(facts),
        (error) => failure(state, error),
      )
      if (refusal instanceof Promise) void refusal.then((reply) => goOnSecured(state, reply))
      else goOnSecured(state, refusal)
    },
    stop: () => stop(state),
  }
}

function goOnSecured(state: State, refusal: Reply | undefined): void {
  state.isAsking = false
  if (state.isOver) return
  if (refusal) say(state, { ...refusal, close: true })
  else if (state.isGreeted) run(state)
  else greet(state)
}

function greet(state: State): void {
  state.isGreeted = true
  ask(state, () => state.conversation.greet())
  run(state)
}

function run(state: State): void {
  for (let count = 0; canGoOn(state); count++) {
    if (count === MAX_COMMANDS_PER_TURN) yieldTurn(state)
    else if (!step(state)) {
      if (state.farewell && !state.scanner) return part(state)
      flush(state)
      return wantMore(state)
    }
    if (state.outbox.length > MAX_OUTBOX) flush(state)
  }
  if (state.outbox !== '') setImmediate(() => flush(state))
}

function yieldTurn(state: State): void {
  state.isYielding = true
  setImmediate(() => {
    state.isYielding = false
    run(state)
  })
}

function wantMore(state: State): void {
  if (state.isBlocked || state.isOver) return
  const { more } = state
  state.more = undefined
  more?.()
}

/** Takes one line or message from the input; false when it holds none that is whole. */
function step(state: State): boolean {
  if (state.chunk.length === 0) return false
  const { scanner } = state
  const item = scanner ? scanner.push(state.chunk) : state.lines.push(state.chunk)
  state.chunk = item.done ? item.rest : EMPTY
  if (!item.done) return false
  if ('line' in item) takeLine(state, item.line)
  else takeMessage(state, item.received)
  return true
}

function takeLine(state: State, line: Line): void {
  switch (line.kind) {
    case 'command':
      return takeCommand(state, line.command)
    case 'too long':
      state.listener = undefined
      return refuse(state, LINE_TOO_LONG)
    case 'lone line end':
      return refuse(state, LONE_LINE_END)
    case 'endless':
      return refuse(state, ENDLESS_LINE)
    default:
      return line satisfies never
  }
}

function takeCommand(state: State, command: Command): void {
  const { listener } = state
  state.listener = undefined
  if (listener) return ask(state, () => listener(command.line))
  const isFirst = state.isFirstCommand
  state.isFirstCommand = false
  if (isFirst && HTTP.test(command.line)) refuse(state, HTTP_REQUEST)
  else if (command.verb === 'DATA') ask(state, () => startData(state, command))
  else if (command.verb === 'STARTTLS') {
    const isPipelined = state.chunk.length > 0
    ask(state, () => state.conversation.command({ ...command, isPipelined }))
  } else ask(state, () => state.conversation.command(command))
}

function startData(state: State, command: Command): Reply {
  const limits = state.conversation.data(command)
  if ('code' in limits) return limits
  state.scanner = openScanner(limits)
  // One timer for all messages of a connection: to begin it anew costs less than another one.
  state.dataTimer ??= setTimeout(() => dataTimeUp(state), state.settings.dataSeconds * 1_000)
  // A rehearsed client that just goes is no reason to live on.
  state.dataTimer.unref().refresh()
  return DATA_FOLLOWS
}

function dataTimeUp(state: State): void {
  if (state.scanner) refuse(state, DATA_TOO_SLOW)
}

function takeMessage(state: State, received: Received): void {
  state.scanner = undefined
  state.badCommands = 0
  ask(state, () => state.conversation.received(received))
}

/** No promise is made where the Conversation makes none. */
function ask(state: State, question: () => Eventually<Answer>): void {
  state.isAsking = true
  let answer: Eventually<Answer>
  try {
    answer = question()
  } catch (error) {
    answer = failure(state, error)
  }
  if (!(answer instanceof Promise)) return finish(state, answer)
  void answer
    .catch((error: unknown) => failure(state, error))
    .then((reply) => {
      finish(state, reply)
      run(state)
    })
}

function finish(state: State, reply: Answer): void {
  state.isAsking = false
  state.idleTimer?.refresh()
  say(state, reply)
}

/** Says what the Conversation did not decide, and tells it. */
function refuse(state: State, reply: Reply): void {
  tell(state, () => state.conversation.violation(reply))
  say(state, reply)
}

function say(state: State, reply: Answer): void {
  if (state.isOver) return
  const isBad = reply.code >= 500 && reply.code <= 504
  if (isBad && !reply.close && ++state.badCommands >= state.settings.maxBadCommands) {
    return refuse(state, TOO_MANY_ERRORS)
  }
  state.outbox += replyBytes(reply)
  if (reply.close) end(state)
  else if (state.farewell && !state.scanner) part(state)
  else if (typeof reply.next === 'object') secure(state, reply.next.tls)
  else state.listener = reply.next
}

/** What came in clear behind STARTTLS is dropped, read or unread (RFC 3207 §4.2, CVE-2011-0411). */
function secure(state: State, options: TlsOptions): void {
  flush(state)
  state.isSecuring = true
  state.chunk = EMPTY
  state.lines = linesOf(state)
  const resume = state.more
  state.more = undefined
  state.wire.startTls(options, resume ?? (() => {}))
}

function part(state: State): void {
  const reply = state.farewell
  state.farewell = undefined
  if (reply) say(state, { ...reply, close: true })
}

function end(state: State): void {
  flush(state)
  stop(state)
  state.wire.end()
}

function flush(state: State): void {
  if (state.outbox === '' || state.isOver) return
  const replies = state.outbox
  state.outbox = ''
  if (!state.wire.write(replies)) state.isBlocked = true
}

function startIdleTimer(state: State): void {
  clearTimeout(state.idleTimer)
  if (state.idleMs === 0) return
  state.idleTimer = setTimeout(
    () => {
      // Who waits for our answer is not idle.
      if (state.isAsking) state.idleTimer?.refresh()
      else if (state.isSecuring) state.wire.abort()
      else refuse(state, IDLE)
    },
    Math.min(state.idleMs, MAX_TIMER_MS),
  )
}

function stop(state: State): void {
  state.isOver = true
  state.chunk = EMPTY
  clearTimeout(state.idleTimer)
  clearTimeout(state.dataTimer)
}
