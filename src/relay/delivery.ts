// Takes one batch to its next hop: finds the hop, reads and renders the copy, and sends or stores it.
// What DNS said is kept for a minute, its failures for five seconds.
import type { OutboundOptions } from '../config/config.ts'
import { openRenderer, render, type Rendered, type Renderer } from '../mail/rendition.ts'
import type { EntryCopy } from '../spool/entry.ts'
import { wayOf } from '../spool/queue.ts'
import type { Spool } from '../spool/spool.ts'
import type { Stored } from '../spool/stored.ts'
import { notTried, type Tried, tryHosts, withoutConnection } from './attempt.ts'
import type { Clock } from './clock.ts'
import { credentialsOf } from './credentials.ts'
import { copyAt, type Lane, type OpenBatch } from './lane.ts'
import { deliverToMaildir } from './maildir.ts'
import { chooseNextHop, type Host, type NextHop } from './nexthop.ts'
import { type Outcome, outcome, STAGES } from './outcome.ts'
import type { Pool } from './pool.ts'
import { profileOf } from './profile.ts'
import type { Resolver } from './resolver.ts'
import type { Sheets } from './sheets.ts'
import { steered, type Steering } from './steering.ts'

export interface Delivery {
  readonly spool: Pick<Spool, 'entry' | 'read'>
  readonly pool: Pool
  readonly clock: Clock
  readonly resolver: Resolver
  readonly random: () => number
  readonly sheets: Sheets
  /** Undefined: policy says nothing. */
  readonly steering: Steering | undefined
  readonly onError: (error: unknown) => void
}

const BLACKHOLED = outcome(STAGES.notConnected, '554 5.7.0 [internal] Blackholed')

const HOP_MS = 60_000
const FAILED_HOP_MS = 5_000

/** Rejects when the spool cannot be read. */
export async function deliver(
  delivery: Delivery,
  lane: Lane,
  batch: OpenBatch,
  outbound: OutboundOptions,
  mayOpen: () => boolean,
): Promise<Tried> {
  if (outbound.blackhole !== 'no') return notTried(BLACKHOLED, batch.copies.length)
  const hop = await hopOf(delivery, lane, outbound)
  switch (hop.kind) {
    case 'maildir':
      return store(delivery, lane, batch, hop.path)
    case 'smtp':
      return send(delivery, lane, batch, outbound, hop.hosts, mayOpen)
    default:
      return { ...notTried(hop, batch.copies.length), isUnreachable: hop.kind === 'deferred' }
  }
}

async function send(
  delivery: Delivery,
  lane: Lane,
  batch: OpenBatch,
  outbound: OutboundOptions,
  hosts: readonly Host[],
  mayOpen: () => boolean,
): Promise<Tried> {
  const { entry } = batch
  const copies = batch.copies.map((copy) => copyAt(entry, copy))
  const mailfrom = copies[0]?.mailfrom ?? entry.mailfrom
  const recipients = copies.map(({ rcptto }) => rcptto)
  const rendered = await renderedOf(delivery, lane, batch)
  const copyIndex = batch.copies[0] ?? 0
  const changed = batch.stored.copies[copyIndex]?.context
  const auth = copies[0] && credentialsOf(outbound, entry, copies[0], changed)
  const mail = { entry, copyIndex, changed, bytes: rendered.bytes, outbound }
  const { steering, onError } = delivery
  // It may keep what it has seen.
  const isSeen = steering?.wants() === true
  const profile = await steered(steering, mail, profileOf(outbound, mailfrom, auth), onError)
  if ('stage' in profile) return notTried(profile, copies.length)
  const most = outbound.maxDeliveriesPerConnection
  const way = wayOf({ stored: batch.stored, copy: copyIndex })
  const transaction = { mailfrom, recipients, ...rendered }
  const tried = await tryHosts(delivery.pool, { hosts, profile, way }, transaction, most, mayOpen)
  if (tried.hasLeft && !isSeen) delivery.sheets.giveBack(rendered.bytes)
  return tried
}

/** The header block of a copy as it is sent; empty when the spool cannot be read. */
export async function headerOf(
  spool: Pick<Spool, 'read'>,
  stored: Stored,
  { rendition }: EntryCopy,
): Promise<Buffer> {
  try {
    const bytes = render(await spool.read(stored), rendition)
    const end = bytes.indexOf('\r\n\r\n')
    return end < 0 ? bytes : bytes.subarray(0, end + 2)
  } catch {
    // A DSN without the header is better than none.
    return Buffer.alloc(0)
  }
}

async function store(
  delivery: Delivery,
  lane: Lane,
  batch: OpenBatch,
  path: string,
): Promise<Tried> {
  const { entry, copies } = batch
  const { receivedMs } = entry
  const { bytes } = await renderedOf(delivery, lane, batch)
  const outcomes: Outcome[] = []
  // One by one: each syncs, and the threads for that are the spool's too.
  for (const copy of copies) {
    const { id, mailfrom, rcptto } = copyAt(entry, copy)
    const name = `${Math.floor(receivedMs / 1000)}.${id.replace('/', '')}.eachrcpt`
    outcomes.push(await deliverToMaildir(path, name, { mailfrom, rcptto, bytes }))
  }
  delivery.sheets.giveBack(bytes)
  return withoutConnection(outcomes)
}

async function hopOf(delivery: Delivery, lane: Lane, outbound: OutboundOptions): Promise<NextHop> {
  const nowMs = delivery.clock.now()
  if (lane.hop && lane.hop.untilMs > nowMs) return lane.hop.found
  const found = chooseNextHop(lane.domain, outbound, delivery)
  lane.hop = { found, untilMs: nowMs + HOP_MS }
  const { kind } = await found
  if (kind === 'failed' || kind === 'deferred') lane.hop = { found, untilMs: nowMs + FAILED_HOP_MS }
  return found
}

async function renderedOf(
  { spool, sheets }: Delivery,
  lane: Lane,
  batch: OpenBatch,
): Promise<Rendered> {
  const { stored, copies, entry } = batch
  const { rendition } = copyAt(entry, copies[0] ?? 0)
  const renderOne = await rendererOf(spool, lane, stored)
  return renderOne(rendition, sheets.take)
}

function rendererOf(spool: Pick<Spool, 'read'>, lane: Lane, stored: Stored): Promise<Renderer> {
  if (lane.lastRead?.stored === stored) return lane.lastRead.renderer
  const renderer = spool.read(stored).then(openRenderer)
  lane.lastRead = { stored, renderer }
  // A read that failed once may work the next time.
  renderer.catch(() => {
    if (lane.lastRead?.renderer === renderer) lane.lastRead = undefined
  })
  return renderer
}
