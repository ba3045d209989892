// What has to be known of a queued message at all times: where its record stands, how far its copies are, and
// which way each of them goes. Some hundred octets for a message, whatever it says: the rest is read from its
// record when it is needed. Ways and notes, of which a queue holds few, are kept once.
import { AUTH_VARIABLES, type Egress } from '../mail/envelope.ts'
import type { PackedEntry } from './entry.ts'
import type { Change, CopyState } from './journal.ts'
import type { Location } from './batch.ts'

/** What decides which queue a copy stands in. */
export interface Way {
  readonly routingDomain: string
  /** Absent: the default one. */
  readonly egress?: Egress
  /** It goes before others. */
  readonly priority?: 1
}

export interface Stored {
  /** Where its record is now. */
  readonly location: Location
  readonly receivedMs: number
  /** One for each copy; always as it is now. */
  readonly copies: readonly CopyState[]
  readonly ways: readonly Way[]
  /** Copies of the same number have equal octets and sender. Undefined: no two have. */
  readonly groups: readonly number[] | undefined
}

/** Its place is not the caller's business. */
export type Movable = { -readonly [K in keyof Stored]: Stored[K] }

/** What an entry says of all this. */
export type Outline = Pick<Stored, 'receivedMs' | 'ways' | 'groups'>

/** Keeps equal things once; forgets them all when there are too many. */
export interface Interner {
  way(routingDomain: string, egress: Egress | undefined, priority: 1 | undefined): Way
  /** The list of this one way. */
  alone(way: Way): readonly [Way]
  note(text: string): string
}

const MAX_INTERNED = 20_000

export function makeInterner(): Interner {
  const ways = new Map<string, Way>()
  const lists = new WeakMap<Way, readonly [Way]>()
  const notes = new Map<string, string>()
  let last: Way | undefined
  return {
    way(routingDomain, egress, priority) {
      // Mostly all copies of a message go the same.
      if (last && isSame(last, { routingDomain, egress, priority })) return last
      const key = `${routingDomain} ${egress ? `${egress.group} ${egress.binding}` : ''} ${priority ?? ''}`
      last = keep(ways, key, () => ({
        routingDomain,
        ...(egress && { egress }),
        ...(priority && { priority }),
      }))
      return last
    },
    alone(way) {
      const present = lists.get(way)
      if (present) return present
      const list = [way] as const
      lists.set(way, list)
      return list
    },
    note: (text) => keep(notes, text, () => text),
  }
}

function isSame(a: Way, b: { [K in keyof Way]: Way[K] | undefined }): boolean {
  return (
    a.routingDomain === b.routingDomain &&
    a.priority === b.priority &&
    a.egress?.group === b.egress?.group &&
    a.egress?.binding === b.egress?.binding
  )
}

function keep<T>(known: Map<string, T>, key: string, make: () => T): T {
  const present = known.get(key)
  if (present !== undefined) return present
  if (known.size >= MAX_INTERNED) known.clear()
  const made = make()
  known.set(key, made)
  return made
}

export function outlineOf({ common, copies }: PackedEntry, interner: Interner): Outline {
  const ways = copies.map(([, , routingDomain, , , , own]) =>
    interner.way(routingDomain, own?.egress, own?.priority),
  )
  const [first] = ways
  const isOne = ways.length === 1 && first !== undefined
  return {
    receivedMs: common.receivedMs,
    ways: isOne ? interner.alone(first) : ways,
    groups: isOne ? undefined : groupsOf(copies),
  }
}

function groupsOf(copies: PackedEntry['copies']): readonly number[] | undefined {
  const numbers = new Map<string, number>()
  const groups = copies.map(([, , , pieces, holes, , own]) => {
    const sender = AUTH_VARIABLES.map((name) => [own?.message?.[name], own?.connection?.[name]])
    const key = JSON.stringify([pieces, holes, own?.mailfrom, sender])
    const present = numbers.get(key)
    if (present !== undefined) return present
    numbers.set(key, numbers.size)
    return numbers.size - 1
  })
  return numbers.size === copies.length ? undefined : groups
}

/** Whether two copies may be one transaction: also their options, which are a domain's, are the same. */
export function travelTogether({ ways, groups, copies }: Stored, a: number, b: number): boolean {
  return (
    groups !== undefined &&
    copies[a]?.context === copies[b]?.context &&
    groups[a] === groups[b] &&
    ways[a]?.routingDomain === ways[b]?.routingDomain
  )
}

/** These copies are over. */
export function doneChange({ location, copies: all }: Stored, copies: readonly number[]): Change {
  return copies.length === all.length
    ? { kind: 'all done', entry: location.sequence }
    : { kind: 'done', entry: location.sequence, copies }
}
