// Connections to one database: as many as are needed at once, up to a bound, and each closed when it has had
// nothing to do for a while. A statement has its time for all of it, waiting included; one that is out of time
// or no longer wanted takes its connection with it.
import type { Database, SqlAnswer, SqlStatement } from '../outside.ts'

export interface Connection {
  /** Never fails. When the signal aborts the statement is ended, and the connection is of no use any more. */
  run(statement: SqlStatement, signal: AbortSignal): Promise<SqlAnswer>
  /** Whether it can be used again. */
  isUsable(): boolean
  close(): void
}

export interface PoolLimits {
  readonly maxConnections: number
  readonly idleMs: number
}

/** Statements that wait for a connection. */
const MOST_WAITING = 1_000

type Seat = { readonly connection: Connection } | { readonly failed: string }

/** Connecting rejects with what is wrong. */
export function makePool(
  connect: (signal: AbortSignal) => Promise<Connection>,
  limits: PoolLimits,
): Database {
  const seats = makeSeats(connect, limits)
  const running = new Set<AbortController>()

  return {
    async run(statement, signal) {
      const ending = new AbortController()
      const end = (): void => ending.abort()
      const timer = setTimeout(end, statement.timeoutMs)
      signal.addEventListener('abort', end)
      running.add(ending)
      try {
        return await runSeated(seats, statement, ending.signal)
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        running.delete(ending)
      }
    },
    close() {
      seats.close()
      for (const ending of running) ending.abort()
      return Promise.resolve()
    },
  }
}

async function runSeated(
  seats: Seats,
  statement: SqlStatement,
  signal: AbortSignal,
): Promise<SqlAnswer> {
  const seat = await seats.take(signal)
  if ('failed' in seat) return { kind: 'failed', text: seat.failed, isUnreached: true }
  const { connection } = seat
  if (signal.aborted) {
    seats.giveBack(connection)
    return { kind: 'failed', text: LATE, isUnreached: true }
  }
  const answer = await connection.run(statement, signal)
  seats.giveBack(connection)
  if (answer.kind !== 'failed' || !signal.aborted) return answer
  const seconds = statement.timeoutMs / 1000
  return { kind: 'failed', text: `the statement was ended after ${seconds} s` }
}

const LATE = 'no connection was free in time'

interface Seats {
  take(signal: AbortSignal): Promise<Seat>
  giveBack(connection: Connection): void
  close(): void
}

/** The connections that there are, and the line of those who wait for one. */
function makeSeats(
  connect: (signal: AbortSignal) => Promise<Connection>,
  { maxConnections, idleMs }: PoolLimits,
): Seats {
  const idle = makeIdle(idleMs)
  const waiting = new Set<() => void>()
  let open = 0
  let isClosed = false

  const leave = (): void => {
    open--
    wakeOne(waiting)
  }
  const drop = (connection: Connection): void => {
    connection.close()
    leave()
  }
  const begin = async (signal: AbortSignal): Promise<Seat> => {
    open++
    try {
      return { connection: await connect(signal) }
    } catch (error) {
      leave()
      return { failed: reasonOf(error) }
    }
  }

  return {
    async take(signal) {
      for (;;) {
        if (isClosed) return { failed: 'the data source is closed' }
        if (signal.aborted) return { failed: LATE }
        const connection = idle.take(drop)
        if (connection) return { connection }
        if (open < maxConnections) return begin(signal)
        if (waiting.size >= MOST_WAITING) return { failed: 'too many statements wait already' }
        await turn(waiting, signal)
      }
    },
    giveBack(connection) {
      if (isClosed || !connection.isUsable()) return drop(connection)
      idle.put(connection, drop)
      wakeOne(waiting)
    },
    close() {
      isClosed = true
      idle.clear(drop)
      for (const wake of waiting) wake()
    },
  }
}

function makeIdle(idleMs: number) {
  const all: { readonly connection: Connection; readonly timer: NodeJS.Timeout }[] = []
  type Drop = (connection: Connection) => void

  return {
    /** The one that was used last. */
    take(drop: Drop): Connection | undefined {
      for (let entry = all.pop(); entry; entry = all.pop()) {
        clearTimeout(entry.timer)
        if (entry.connection.isUsable()) return entry.connection
        drop(entry.connection)
      }
      return undefined
    },
    put(connection: Connection, drop: Drop): void {
      const timer = setTimeout(() => {
        all.splice(all.indexOf(entry), 1)
        drop(connection)
      }, idleMs).unref()
      const entry = { connection, timer }
      all.push(entry)
    },
    clear(drop: Drop): void {
      for (const { connection, timer } of all.splice(0)) {
        clearTimeout(timer)
        drop(connection)
      }
    },
  }
}

function wakeOne(waiting: Set<() => void>): void {
  const [next] = waiting
  next?.()
}

/** Resolves when it is this one's turn, or it is too late. */
function turn(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      waiting.delete(wake)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    signal.addEventListener('abort', wake)
    waiting.add(wake)
  })
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  return error instanceof Error ? error.message || error.name : String(error)
}
