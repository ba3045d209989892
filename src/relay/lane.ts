// The copies that are due for one next hop, first in first out, and what is known about that next hop.
// Copies of one entry with equal bytes and sender leave together, as one transaction.
import type { Rendition } from '../mail/rendition.ts'
import type { EntryCopy } from '../spool/entry.ts'
import type { QueueItem } from '../spool/queue.ts'
import type { Stored } from '../spool/spool.ts'
import type { NextHop } from './nexthop.ts'

/** Copies of one entry that one transaction can carry; at least one. */
export interface Batch {
  readonly stored: Stored
  readonly copies: readonly number[]
}

export interface Lane {
  readonly key: string
  /** Decides limits and next hop. */
  readonly domain: string
  /** Due copies from `first` on; those before it were taken. */
  due: QueueItem[]
  first: number
  workers: number
  /** Connections that the next hop seems to bear. */
  bearable: number
  /** `blocked`: nobody there speaks to us, so nothing is tried; `suspect`: one copy at a time is. */
  health: 'good' | 'suspect' | 'blocked'
  cancelBlock: (() => void) | undefined
  /** What was last found out about the next hop. */
  hop: { readonly found: Promise<NextHop>; readonly untilMs: number } | undefined
  /** The data of the entry that was read last: its copies follow each other. */
  lastRead: { readonly stored: Stored; readonly data: Promise<Buffer> } | undefined
}

/** Of one transaction, whatever the configuration says: bounds the replies that may wait unread. */
const MAX_RECIPIENTS = 1000

export function makeLane(key: string, domain: string): Lane {
  return {
    key,
    domain,
    due: [],
    first: 0,
    workers: 0,
    bearable: Infinity,
    health: 'good',
    cancelBlock: undefined,
    hop: undefined,
    lastRead: undefined,
  }
}

export function waiting(lane: Lane): number {
  return lane.due.length - lane.first
}

/** Takes the next copies that can travel together. */
export function nextBatch(lane: Lane, maxRecipients: number): Batch | undefined {
  const { due, first } = lane
  const next = due[first]
  if (!next) return undefined
  const leader = copyOf(next)
  const limit = Math.min(due.length, first + Math.min(maxRecipients, MAX_RECIPIENTS))
  let end = first + 1
  while (end < limit) {
    const other = due[end]
    if (other?.stored !== next.stored || !canTravel(copyOf(other), leader)) break
    end++
  }
  const copies = due.slice(first, end).map(({ copy }) => copy)
  lane.first = end
  // Half of the list at least, so that taking costs the same however long it is.
  if (end * 2 > due.length) lane.due = takeAll(lane)
  return { stored: next.stored, copies }
}

/** What waits, in order; the lane is empty after this. */
export function takeAll(lane: Lane): QueueItem[] {
  const all = lane.due.slice(lane.first)
  lane.due = []
  lane.first = 0
  return all
}

export function copyOf({ stored, copy }: QueueItem): EntryCopy {
  const found = stored.entry.copies[copy]
  if (!found) throw new Error(`entry ${stored.entry.batchId} has no copy ${copy}`)
  return found
}

function canTravel(copy: EntryCopy, leader: EntryCopy): boolean {
  return (
    copy.mailfrom === leader.mailfrom &&
    // Options, such as when mail expires, are a domain's.
    copy.routingDomain === leader.routingDomain &&
    isSameRendition(copy.rendition, leader.rendition)
  )
}

function isSameRendition(a: Rendition, b: Rendition): boolean {
  if (a === b) return true
  return (
    a.holes.length === b.holes.length &&
    a.pieces.length === b.pieces.length &&
    a.holes.every((hole, i) => hole === b.holes[i]) &&
    (a.pieces === b.pieces || a.pieces.every((piece, i) => isSamePiece(piece, b.pieces[i])))
  )
}

function isSamePiece(a: readonly number[], b: readonly number[] | undefined): boolean {
  return a.length === b?.length && a.every((value, i) => value === b[i])
}
