// Supervises worker processes: starts them, asks them, passes on what they say to each other, and puts another
// in the place of one that has ended or does not get to its events any more. Knows nothing of their work.
import { answerTo, type Ask, makeAsk } from './ask.ts'
import { ALIVE_MS, type FromWorker, type ToWorker } from './message.ts'

/** A process, as node:cluster gives it. */
export interface Child {
  readonly pid: number | undefined
  send(message: ToWorker): void
  kill(signal: NodeJS.Signals): void
  onMessage(listener: (message: FromWorker) => void): void
  /** `code` null: a signal killed it. */
  onExit(listener: (code: number | null, signal: string | null) => void): void
}

export interface FleetOptions {
  readonly count: number
  fork(slot: number): Child
  /** Silent for so long, it is killed. */
  readonly silentMs: number
  /** What a worker asks; rejects with the reason for a no. */
  answer(request: unknown, asker: Worker, workers: readonly Worker[]): Promise<unknown>
  /** Tells the operator. */
  report(text: string): void
  /** Whatever the reason. */
  onEnded?(slot: number): void
  /** A replacement has become ready; it began when the fleet had this version. */
  onReplaced?(worker: Worker): void
  /** Milliseconds; for tests. */
  readonly timers?: Timers
}

export interface Timers {
  now(): number
  after(ms: number, task: () => void): () => void
  every(ms: number, task: () => void): () => void
}

export interface Worker {
  readonly slot: number
  readonly pid: number | undefined
  readonly isReady: boolean
  /** What it said of itself when it was ready. */
  readonly facts: unknown
  /** What it said of itself last. */
  readonly status: unknown
  /** Rejects when it says no, or ends before. */
  ask(request: unknown): Promise<unknown>
  /** Says something to it, as another worker would. */
  tell(topic: string, data: unknown): void
}

/** The slot of what the primary says. */
const NOBODY = -1

export interface Fleet {
  /** Those that are there, by slot; also those that are not ready. */
  readonly workers: readonly Worker[]
  /** No replacements any more. Resolves when all have ended; after `graceMs` those that have not are killed. */
  close(request: unknown, graceMs: number): Promise<void>
  kill(): void
}

interface State {
  readonly options: FleetOptions
  readonly timers: Timers
  readonly members: Map<number, Member>
  isStarted: boolean
  isClosing: boolean
  /** Told at every exit. */
  ended: (() => void)[]
}

interface Member extends Worker {
  readonly child: Child
  readonly asking: Ask
  readonly bornMs: number
  isReady: boolean
  facts: unknown
  status: unknown
  missed: number
  /** How often in a row it has not lasted. */
  readonly failures: number
}

/** A worker could not be started; it has said why. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly code: number
  constructor(slot: number, code: number) {
    super(`worker ${slot} could not be started`)
    this.code = code
  }
}

const SHORT_LIFE_MS = 10_000
const FIRST_DELAY_MS = 500
const LAST_DELAY_MS = 30_000

/** The first alone: what is wrong with all is said once. Rejects with a StartError; none is left then. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { timers = systemTimers } = options
  const state: State = {
    options,
    timers,
    members: new Map(),
    isStarted: false,
    isClosing: false,
    ended: [],
  }
  try {
    await begin(state, 0)
    const others = Array.from({ length: options.count - 1 }, (_, i) => begin(state, i + 1))
    await Promise.all(others)
  } catch (error) {
    state.isClosing = true
    for (const { child } of state.members.values()) child.kill('SIGKILL')
    await allEnded(state)
    throw error
  }
  state.isStarted = true
  const stop = timers.every(ALIVE_MS, () => checkAll(state))
  return {
    get workers() {
      return [...state.members.values()].sort((a, b) => a.slot - b.slot)
    },
    async close(request, graceMs) {
      state.isClosing = true
      for (const member of state.members.values()) member.ask(request).catch(() => undefined)
      const kill = (): void => killAll(state)
      const cancel = timers.after(graceMs, kill)
      await allEnded(state)
      cancel()
      stop()
    },
    kill: () => killAll(state),
  }
}

/** Resolves when it is ready. */
function begin(state: State, slot: number, failures = 0): Promise<void> {
  const { options, timers, members } = state
  return new Promise((resolve, reject) => {
    const child = options.fork(slot)
    const asking = makeAsk((message) => child.send(message))
    const member: Member = {
      slot,
      pid: child.pid,
      child,
      asking,
      bornMs: timers.now(),
      isReady: false,
      facts: undefined,
      status: undefined,
      missed: 0,
      failures,
      ask: (request) => asking.ask(request),
      tell: (topic, data) => child.send({ kind: 'said', slot: NOBODY, topic, data }),
    }
    members.set(slot, member)
    child.onMessage((message) => {
      member.missed = 0
      hear(state, member, message)
      if (message.kind === 'ready') resolve()
    })
    child.onExit((code, signal) => {
      members.delete(slot)
      options.onEnded?.(slot)
      asking.end(`worker ${slot} has ended`)
      tellOthers(state, slot, { kind: 'gone', slot })
      for (const tell of state.ended.splice(0)) tell()
      if (!state.isStarted) return reject(new StartError(slot, code || 1))
      if (!state.isClosing) replace(state, member, code, signal)
      resolve()
    })
  })
}

function hear(state: State, member: Member, message: FromWorker): void {
  switch (message.kind) {
    case 'alive':
      member.status = message.status
      break
    case 'ready':
      member.isReady = true
      member.facts = message.facts
      if (state.isStarted) state.options.onReplaced?.(member)
      break
    case 'say': {
      const { topic, data } = message
      tellOthers(state, member.slot, { kind: 'said', slot: member.slot, topic, data })
      break
    }
    case 'ask':
      answerTo(
        message,
        (request) => state.options.answer(request, member, [...state.members.values()]),
        (answered) => member.child.send(answered),
      )
      break
    case 'answer':
    case 'failed':
      member.asking.answered(message)
      break
    default:
      message satisfies never
  }
}

function tellOthers({ members }: State, slot: number, message: ToWorker): void {
  for (const other of members.values()) if (other.slot !== slot) other.child.send(message)
}

function replace(state: State, before: Member, code: number | null, signal: string | null): void {
  const { options, timers } = state
  const livedMs = timers.now() - before.bornMs
  const failures = livedMs < SHORT_LIFE_MS ? before.failures + 1 : 0
  const delayMs = failures > 0 ? Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1)) : 0
  const how = signal ?? `exit ${code}`
  const when = delayMs > 0 ? ` in ${delayMs / 1000} s` : ''
  options.report(`worker ${before.slot} (process ${before.pid}) has ended, ${how}: replaced${when}`)
  timers.after(delayMs, () => {
    if (!state.isClosing) void begin(state, before.slot, failures)
  })
}

/** Counted in beats of our own: when the whole machine stood still, nobody has missed any. */
function checkAll({ members, options }: State): void {
  for (const member of members.values()) {
    if (++member.missed * ALIVE_MS < options.silentMs) continue
    member.missed = 0
    const name = `worker ${member.slot} (process ${member.pid})`
    options.report(`${name} has not answered for ${options.silentMs / 1000} s: killed`)
    member.child.kill('SIGKILL')
  }
}

function killAll({ members }: State): void {
  for (const { child } of members.values()) child.kill('SIGKILL')
}

async function allEnded(state: State): Promise<void> {
  while (state.members.size > 0) await new Promise<void>((resolve) => state.ended.push(resolve))
}

const systemTimers: Timers = {
  now: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms)
    return () => clearTimeout(timer)
  },
  every(ms, task) {
    const timer = setInterval(task, ms)
    return () => clearInterval(timer)
  },
}
