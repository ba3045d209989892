// Locks by name among the processes of a fleet, kept by one of them: who must wait is served in order, and what
// one that ends had is given to the next.

export interface LockTable {
  /**
   * Resolves with its fencing number when it is that owner's; with undefined when it is given back before.
   * `id`: the owner's own, for this taking.
   */
  take(owner: number, id: number, name: string): Promise<number | undefined>
  give(owner: number, id: number): void
  /** The owner has ended. */
  gone(owner: number): void
}

interface Claim {
  readonly owner: number
  readonly id: number
  readonly name: string
  readonly tell: (fence: number | undefined) => void
}

/** `nextFence`: larger than the one before. */
export function makeLockTable(nextFence: () => number): LockTable {
  /** The first of a line has the lock. */
  const lines = new Map<string, Claim[]>()
  const claims = new Map<string, Claim>()

  const drop = (claim: Claim): void => {
    claims.delete(keyOf(claim))
    const line = lines.get(claim.name) ?? []
    const place = line.indexOf(claim)
    line.splice(place, 1)
    claim.tell(undefined)
    if (line.length === 0) lines.delete(claim.name)
    else if (place === 0) line[0]?.tell(nextFence())
  }
  return {
    take: (owner, id, name) =>
      new Promise((tell) => {
        const claim: Claim = { owner, id, name, tell }
        claims.set(keyOf(claim), claim)
        const line = lines.get(name) ?? []
        lines.set(name, line)
        if (line.push(claim) === 1) tell(nextFence())
      }),
    give(owner, id) {
      const claim = claims.get(keyOf({ owner, id }))
      if (claim) drop(claim)
    },
    gone(owner) {
      for (const claim of claims.values()) if (claim.owner === owner) drop(claim)
    },
  }
}

function keyOf({ owner, id }: Pick<Claim, 'owner' | 'id'>): string {
  return `${owner} ${id}`
}
