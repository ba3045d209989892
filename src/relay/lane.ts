// The copies that are due for one next hop, those with priority first, each kind first in first out; and what
// is known about that next hop.
// Copies of one entry with equal bytes and sender leave together, as one transaction.
import { DEFAULT_EGRESS, type Egress } from '../mail/envelope.ts'
import type { Renderer } from '../mail/rendition.ts'
import type { Entry, EntryCopy } from '../spool/entry.ts'
import { type QueueItem, wayOf } from '../spool/queue.ts'
import { travelTogether } from '../spool/stored.ts'
import type { Stored } from '../spool/stored.ts'
import type { NextHop } from './nexthop.ts'
import { makeRoom, type Room } from './room.ts'

/** Copies of one entry that one transaction can carry; at least one. */
export interface Batch {
  readonly stored: Stored
  readonly copies: readonly number[]
}

/** With what the entry says. */
export interface OpenBatch extends Batch {
  readonly entry: Entry
}

export function copyAt(entry: Entry, copy: number): EntryCopy {
  const found = entry.copies[copy]
  if (!found) throw new Error(`entry ${entry.batchId} has no copy ${copy}`)
  return found
}

export interface Lane {
  readonly key: string
  /** Decides limits and next hop. */
  readonly domain: string
  readonly egress: Egress
  /** Due copies with priority, and the others. */
  readonly lines: readonly [Line, Line]
  workers: number
  /** Connections that the next hop seems to bear. */
  bearable: number
  /** `blocked`: nobody there speaks to us, so nothing is tried; `suspect`: one copy at a time is. */
  health: 'good' | 'suspect' | 'blocked'
  /** What was sent and opened since the throttles began to count; nothing is sent before `heldUntilMs`. */
  readonly throttle: Throttle
  /** For copies on their way. */
  readonly room: Room
  cancelBlock: (() => void) | undefined
  /** When a worker last took a batch. */
  takenMs: number
  cancelWatch: (() => void) | undefined
  /** What was last found out about the next hop. */
  hop: KnownHop | undefined
  /** Of the entry that was read last: its copies follow each other. */
  lastRead: { readonly stored: Stored; readonly renderer: Promise<Renderer> } | undefined
}

/** `untilMs`: then it is looked up again. */
export interface KnownHop {
  readonly found: Promise<NextHop>
  readonly untilMs: number
}

export interface Throttle {
  readonly messages: Window
  readonly connections: Window
  heldUntilMs: number
}

interface Window {
  sinceMs: number
  count: number
}

/** Items from `first` on; those before it were taken. */
interface Line {
  items: QueueItem[]
  first: number
}

/** Of copies on their way to one next hop. */
const MAX_LANE_BYTES = 64 * 1024 * 1024
/** Of one transaction, whatever the configuration says: bounds the replies that may wait unread. */
const MAX_RECIPIENTS = 1000

export function makeLane(
  key: string,
  domain: string,
  egress = DEFAULT_EGRESS,
  throttle = freshThrottle(),
): Lane {
  return {
    key,
    domain,
    egress,
    lines: [
      { items: [], first: 0 },
      { items: [], first: 0 },
    ],
    workers: 0,
    bearable: Infinity,
    health: 'good',
    throttle,
    room: makeRoom(MAX_LANE_BYTES),
    cancelBlock: undefined,
    takenMs: -Infinity,
    cancelWatch: undefined,
    hop: undefined,
    lastRead: undefined,
  }
}

export function freshThrottle(): Throttle {
  return {
    messages: { sinceMs: -Infinity, count: 0 },
    connections: { sinceMs: -Infinity, count: 0 },
    heldUntilMs: -Infinity,
  }
}

export function join(lane: Lane, item: QueueItem): void {
  lane.lines[wayOf(item).priority ? 0 : 1].items.push(item)
}

export function waiting({ lines: [urgent, usual] }: Lane): number {
  return urgent.items.length - urgent.first + usual.items.length - usual.first
}

/** Takes the next copies that can travel together. */
export function nextBatch(lane: Lane, maxRecipients: number): Batch | undefined {
  const line = lane.lines.find(({ items, first }) => first < items.length)
  const next = line?.items[line.first]
  if (!line || !next) return undefined
  const { items, first } = line
  const limit = Math.min(items.length, first + Math.min(maxRecipients, MAX_RECIPIENTS))
  let end = first + 1
  while (end < limit) {
    const other = items[end]
    if (other?.stored !== next.stored) break
    if (!travelTogether(next.stored, next.copy, other.copy)) break
    end++
  }
  const copies = items.slice(first, end).map(({ copy }) => copy)
  line.first = end
  // Half of the list at least, so that taking costs the same however long it is.
  if (end * 2 > items.length) line.items = takeLine(line)
  return { stored: next.stored, copies }
}

/** What waits, in order; the lane is empty after this. */
export function takeAll({ lines: [urgent, usual] }: Lane): QueueItem[] {
  return [...takeLine(urgent), ...takeLine(usual)]
}

function takeLine(line: Line): QueueItem[] {
  const all = line.items.slice(line.first)
  line.items = []
  line.first = 0
  return all
}
