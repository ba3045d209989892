// Which worker gets which connection: of those that listen on its port the one with the fewest, one connection at a
// time. One that is busy is waited for for a moment only; what one refuses, because it listens there no more, another
// gets; and what never reached it, as its descriptor could not be had, is given up. Knows nothing of sockets.
import { type Balance, type Load, makeBalance } from './balance.ts'

export interface Offer<W> {
  readonly id: number
  readonly port: number
  /** Whose turn it is: that decides between equals, and where nobody says what it listens on. */
  readonly turn: W
  send(worker: W): void
  /** Nobody takes it. */
  drop(): void
}

export interface Handout<W> {
  join(worker: W): void
  /** What it was given may have been spoken to: nobody else gets that. */
  gone(worker: W): void
  offer(offer: Offer<W>): void
  /** The worker has what it was given, or refuses it; `kept`: somebody else is to have it. */
  answered(worker: W, id: number, isTaken: boolean): 'kept' | 'over'
  /** A sign of life, with what the worker listens on. */
  heard(worker: W, loads: readonly Load[]): void
}

export interface HandoutOptions<W> {
  /** Whether it can be sent anything at all. */
  isThere(worker: W): boolean
  /** A connection has not reached it. */
  onLost(worker: W): void
  now(): number
  after(ms: number, task: () => void): void
}

/** Not answered for so long: it is at something else. */
const BUSY_MS = 100
/** Of few connections one less counts; of many, so many less. */
const WORTH_WAITING = 7 / 8
/** Not answered for so long, while there were signs of life: it never came. */
const LOST_MS = 5_000
/** Between two signs of life a worker gets to all that was sent to it before. */
const TURN_MS = 500

interface Waiting<W> extends Offer<W> {
  readonly refusedBy: Set<W>
}

/** What a worker has not answered yet. */
interface Given<W> extends Waiting<W> {
  readonly sinceMs: number
  /** When it was first late, and the worker was alive. */
  lateMs: number | undefined
}

interface State<W> {
  readonly options: HandoutOptions<W>
  readonly balance: Balance<W>
  readonly workers: Map<W, Given<W> | undefined>
  readonly waiting: Waiting<W>[]
  isArmed: boolean
}

export function makeHandout<W>(options: HandoutOptions<W>): Handout<W> {
  const balance = makeBalance<W>()
  const workers: State<W>['workers'] = new Map()
  const waiting: Waiting<W>[] = []
  const state: State<W> = { options, balance, workers, waiting, isArmed: false }
  return {
    join: (worker) => void workers.set(worker, undefined),
    gone(worker) {
      const given = workers.get(worker)
      workers.delete(worker)
      balance.gone(worker)
      given?.drop()
      dispatch(state)
    },
    offer(offer) {
      waiting.push({ ...offer, refusedBy: new Set() })
      dispatch(state)
    },
    answered(worker, id, isTaken) {
      const given = workers.get(worker)
      if (given?.id !== id) return 'over'
      workers.set(worker, undefined)
      if (!isTaken) {
        balance.returned(worker, given.port)
        given.refusedBy.add(worker)
      }
      const isKept = !isTaken && inOrder(state, given).length > 0
      if (isKept) waiting.unshift(given)
      dispatch(state)
      return isKept ? 'kept' : 'over'
    },
    heard(worker, loads) {
      balance.heard(worker, loads)
      const given = workers.get(worker)
      if (!given || !isLost(given, options.now())) return
      workers.set(worker, undefined)
      balance.returned(worker, given.port)
      options.onLost(worker)
      given.drop()
      dispatch(state)
    },
  }
}

function dispatch<W>(state: State<W>): void {
  const { workers, waiting, balance, options } = state
  for (const offer of waiting.splice(0)) {
    const order = inOrder(state, offer)
    const worker = choose(state, order, offer.port)
    if (worker !== undefined) {
      workers.set(worker, { ...offer, sinceMs: options.now(), lateMs: undefined })
      balance.given(worker, offer.port)
      offer.send(worker)
    } else if (order.length > 0) waiting.push(offer)
    else offer.drop()
  }
  lookAgain(state)
}

/** The fewest first; where nobody says that it listens, all of them. */
function inOrder<W>({ workers, balance, options }: State<W>, offer: Waiting<W>): W[] {
  const { port, turn, refusedBy } = offer
  const all = [...workers.keys()].filter((each) => !refusedBy.has(each) && options.isThere(each))
  const listening = all.filter((each) => balance.open(each, port) !== undefined)
  const rank = (worker: W): number =>
    (balance.open(worker, port) ?? 0) + (worker === turn ? 0 : 0.5)
  return (listening.length > 0 ? listening : all).sort((a, b) => rank(a) - rank(b))
}

/** Undefined: nobody can take it now, or one with fewer soon can. */
function choose<W>(state: State<W>, order: readonly W[], port: number): W | undefined {
  const { workers, balance, options } = state
  const open = (worker: W): number => balance.open(worker, port) ?? 0
  const free = order.find((worker) => !workers.get(worker))
  const isWorthWaiting = (worker: W): boolean => {
    const given = workers.get(worker)
    const hasFewer = free === undefined || open(worker) < open(free) * WORTH_WAITING
    return given !== undefined && !isBusy(given, options.now()) && hasFewer
  }
  return order.some(isWorthWaiting) ? undefined : free
}

/** When those that are waited for are busy after all. */
function lookAgain<W>(state: State<W>): void {
  const { workers, waiting, options } = state
  const given = [...workers.values()].filter((each) => each !== undefined)
  const isFutile = given.every((each) => isBusy(each, options.now()))
  if (state.isArmed || waiting.length === 0 || isFutile) return
  state.isArmed = true
  options.after(BUSY_MS, () => {
    state.isArmed = false
    dispatch(state)
  })
}

function isBusy({ sinceMs }: { readonly sinceMs: number }, nowMs: number): boolean {
  return nowMs - sinceMs >= BUSY_MS
}

/** Asked at signs of life: the first late one may come before what was sent to it is looked at. */
function isLost<W>(given: Given<W>, nowMs: number): boolean {
  if (nowMs - given.sinceMs < LOST_MS) return false
  given.lateMs ??= nowMs
  return nowMs - given.lateMs >= TURN_MS
}
