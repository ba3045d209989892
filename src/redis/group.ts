// A consumer of a stream's group: each entry goes to one of them, and stays with it until it is acknowledged.
// What a consumer that is gone had is taken over after a while.
import type { Link } from './link.ts'

export interface StreamEntry {
  readonly id: string
  /** The record of the event. */
  readonly event: Buffer
  readonly type: string
}

export interface Group {
  /**
   * Entries for us: those of an earlier run first, then those of consumers that are gone, then new ones, for
   * which it waits so long. Rejects while Redis is away.
   */
  read(count: number, waitMs: number): Promise<StreamEntry[]>
  /** They are done. */
  acknowledge(entries: readonly StreamEntry[]): Promise<void>
  /** They are still being worked at: nobody may take them over. */
  keep(entries: readonly StreamEntry[]): Promise<void>
}

export interface GroupOptions {
  readonly stream: string
  readonly group: string
  /** The same after a restart: it then has again what it had. */
  readonly consumer: string
  /** Where a group begins that is new. */
  readonly from: 'start' | 'now'
  /** Milliseconds after which what somebody has is taken over. */
  readonly idleMs: number
}

export function openGroup(link: Link, options: GroupOptions): Group {
  const { stream, group, consumer, from, idleMs } = options
  let isMade = false
  /** Behind what we had when we began; undefined: there is no more. */
  let own: string | undefined = '0'
  let lookMs = 0

  const make = async (start: string): Promise<void> => {
    await link.call('XGROUP', 'CREATE', stream, group, start, 'MKSTREAM').catch(ignoreBusy)
    isMade = true
  }
  const ours = async (count: number): Promise<StreamEntry[]> => {
    if (own === undefined) return []
    const who = ['GROUP', group, consumer, 'COUNT', count, 'STREAMS', stream, own] as const
    const entries = streamEntries(await link.call('XREADGROUP', ...who))
    own = entries.at(-1)?.id
    return entries.filter(isThere)
  }
  const abandoned = async (count: number): Promise<StreamEntry[]> => {
    if (performance.now() < lookMs) return []
    const what = [stream, group, consumer, idleMs, '0', 'COUNT', count] as const
    const answer = await link.call('XAUTOCLAIM', ...what)
    const entries = Array.isArray(answer) ? entriesOf(answer[1]) : []
    if (entries.length < count) lookMs = performance.now() + idleMs / 2
    return entries.filter(isThere)
  }
  return {
    async read(count, waitMs) {
      try {
        if (!isMade) await make(from === 'start' ? '0' : '$')
        for (const find of [ours, abandoned]) {
          const found = await find(count)
          if (found.length > 0) return found
        }
        const who = ['GROUP', group, consumer, 'COUNT', count] as const
        // Redis takes whole numbers only; 0 would be without end.
        const blockMs = Math.max(1, Math.ceil(waitMs))
        const wait = ['BLOCK', blockMs, 'STREAMS', stream, '>'] as const
        return streamEntries(await link.wait(blockMs, 'XREADGROUP', ...who, ...wait))
      } catch (error) {
        // It was flushed: all that is there now is new.
        if (!String(error).includes('NOGROUP')) throw error
        await make('0')
        own = undefined
        return []
      }
    },
    async acknowledge(entries) {
      const ids = entries.map(({ id }) => id)
      if (ids.length > 0) await link.call('XACK', stream, group, ...ids)
    },
    async keep(entries) {
      const ids = entries.map(({ id }) => id)
      if (ids.length > 0) await link.call('XCLAIM', stream, group, consumer, 0, ...ids, 'JUSTID')
    },
  }
}

/** Entries of an answer to XREAD and XREADGROUP. */
export function streamEntries(answer: unknown): StreamEntry[] {
  if (!Array.isArray(answer)) return []
  const [first] = answer as unknown[]
  return Array.isArray(first) ? entriesOf(first[1]) : []
}

/** One that was trimmed meanwhile has no fields. */
function isThere({ event }: StreamEntry): boolean {
  return event.length > 0
}

function entriesOf(list: unknown): StreamEntry[] {
  if (!Array.isArray(list)) return []
  return (list as [Buffer, readonly Buffer[] | null][]).map(([id, flat]) => {
    const at = (name: string): Buffer => {
      const place = (flat ?? []).findIndex((field, i) => i % 2 === 0 && String(field) === name)
      return place >= 0 ? (flat?.[place + 1] ?? NOTHING) : NOTHING
    }
    return { id: String(id), event: at('event'), type: String(at('type')) }
  })
}

const NOTHING = Buffer.alloc(0)

function ignoreBusy(error: unknown): void {
  if (!String(error).includes('BUSYGROUP')) throw error
}
