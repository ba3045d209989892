// What policy counts and keeps, shared with other workers and other nodes: every change is made here at once
// and told to the others a moment later (as Momentum's cluster replicates); nobody waits for anybody.
import type { Change, Reach, SharedState } from '../msys/shared/state.ts'
import { makeOutbox, type Outbox } from './outbox.ts'

export interface Sharing {
  /** What policy uses: its changes are told. */
  readonly state: SharedState
  /** Makes changes of others here, and tells nobody. `isOld`: a persistent series may have them already. */
  take(changes: readonly Change[], isOld?: boolean): void
  /** What another one has, in place of what is here. */
  replaceBy(changes: readonly Change[]): void
  /** All there is. */
  contents(): Change[]
  /** Tells changes that reach so far from now on. */
  tellBy(reach: Reach, transport: Transport): Outbox<Change>
}

export interface Transport {
  /** Milliseconds that changes are gathered. */
  readonly gatherMs: number
  tell(changes: readonly Change[]): void
}

/** Of changes that are held back. */
const MOST_HELD = 50_000

export function makeSharing(own: SharedState): Sharing {
  const outboxes: { readonly reach: Reach; readonly outbox: Outbox<Change> }[] = []
  return {
    state: {
      ...own,
      apply(change) {
        const isDone = own.apply(change)
        if (!isDone || outboxes.length === 0) return isDone
        const reached = own.reachOf(change)
        for (const { reach, outbox } of outboxes) {
          if (reach === 'node' || reached === 'cluster') outbox.put(change)
        }
        return isDone
      },
    },
    take(changes, isOld = false) {
      // What is not defined here is not wanted here.
      for (const change of changes) {
        const isKept = 'series' in change && own.series(change.series)?.isPersistent === true
        if (!isOld || !isKept) own.apply(change)
      }
    },
    replaceBy(changes) {
      for (const undoing of [...own.contents()].flatMap(undo)) own.apply(undoing)
      for (const change of changes) own.apply(change)
    },
    contents: () => [...own.contents()],
    tellBy(reach, transport) {
      const outbox = makeOutbox<Change>({ ...transport, most: MOST_HELD })
      outboxes.push({ reach, outbox })
      return outbox
    },
  }
}

/** Of what makes a state, what takes it away. */
function undo(change: Change): Change[] {
  switch (change.kind) {
    case 'counter add':
      return [{ kind: 'counter unlink', path: change.path }]
    case 'gauge add':
      return [{ kind: 'gauge remove', cache: change.cache, key: change.key }]
    case 'series add':
      return [{ kind: 'series remove', series: change.series, key: change.key }]
    default:
      return []
  }
}
