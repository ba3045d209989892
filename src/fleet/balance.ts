// How many connections each worker has: what it said last and what it was given since. No clock and no socket here.

/** Connections of one listening port, as a worker counts them. */
export interface Load {
  readonly port: number
  /** All that it has been given since it listens there. */
  readonly taken: number
  /** Of these, those that are still there. */
  readonly open: number
}

export interface Balance<W> {
  /** With those on their way to it. Undefined: it has not said that it listens there. */
  open(worker: W, port: number): number | undefined
  given(worker: W, port: number): void
  /** It could not take what it was given. */
  returned(worker: W, port: number): void
  /** What it listens on and says so of. */
  heard(worker: W, loads: readonly Load[]): void
  gone(worker: W): void
}

interface Known {
  readonly loads: readonly Load[]
  /** By port. */
  readonly given: Map<number, number>
}

export function makeBalance<W>(): Balance<W> {
  const known = new Map<W, Known>()
  const of = (worker: W): Known => {
    const present = known.get(worker) ?? { loads: [], given: new Map<number, number>() }
    known.set(worker, present)
    return present
  }
  const add = (worker: W, port: number, by: number): void => {
    const { given } = of(worker)
    given.set(port, (given.get(port) ?? 0) + by)
  }
  return {
    open(worker, port) {
      const { loads, given } = of(worker)
      const own = loads.filter((load) => load.port === port)
      if (own.length === 0) return undefined
      const open = own.reduce((sum, load) => sum + load.open, 0)
      return open + (given.get(port) ?? 0) - takenAt(loads, port)
    },
    given: (worker, port) => add(worker, port, 1),
    returned: (worker, port) => add(worker, port, -1),
    heard(worker, loads) {
      const { given, loads: before } = of(worker)
      // Who has closed a port, and perhaps opened it again, counts anew.
      for (const port of given.keys())
        if (takenAt(loads, port) < takenAt(before, port)) given.set(port, takenAt(loads, port))
      known.set(worker, { loads, given })
    },
    gone: (worker) => void known.delete(worker),
  }
}

function takenAt(loads: readonly Load[], port: number): number {
  return loads.reduce((sum, load) => sum + (load.port === port ? load.taken : 0), 0)
}
