// Messages, campaigns and customers whose links lead nowhere any more, by word of an operator while servers run.
// All that is known stands in memory, where clicks look; copies of it, a file below spoolbase and Redis, are
// compared with it every second and brought up to date in both directions, so workers and nodes agree soon. Of two words about one
// thing the later one holds.
import { makeTurns } from '../events/turns.ts'
import type { TokenFacts } from '../tracking/facts.ts'

export const DENIAL_KINDS = ['message', 'campaign', 'customer'] as const
export type DenialKind = (typeof DENIAL_KINDS)[number]

export interface Denial {
  readonly kind: DenialKind
  /** Text. */
  readonly name: string
  /** False: its links lead somewhere again. */
  readonly isDenied: boolean
  /** Epoch milliseconds. */
  readonly atMs: number
}

/** A copy of what is known. */
export interface DenialCopy {
  /** For the operator. */
  readonly name: string
  /** Differs when somebody has changed it; undefined: there is no such copy now. Rejects when it is away. */
  version(): Promise<string | undefined>
  read(): Promise<readonly Denial[]>
  /** `all`: what should be there then, `news` of which is not. */
  write(news: readonly Denial[], all: readonly Denial[]): Promise<void>
}

export interface Denials {
  covers(facts: Pick<TokenFacts, 'messageId' | 'campaignId' | 'customerId'>): boolean
  list(): readonly Denial[]
  /** Resolves when it is remembered, with the copies that could not be told yet; they are later. */
  say(kind: DenialKind, name: string, isDenied: boolean): Promise<Said>
  /** Compares with all copies. Never rejects: one that is away is asked again. */
  refresh(): Promise<readonly string[]>
}

export interface Said {
  readonly isNew: boolean
  /** Name and reason. */
  readonly untold: readonly string[]
}

export class DenialError extends Error {
  override readonly name = 'DenialError'
}

const MOST = 100_000
/** How long it is remembered that something is allowed again, for copies that come back. */
const ALLOWED_MS = 30 * 86_400_000

export function makeDenials(copies: readonly DenialCopy[], now: () => number): Denials {
  const known = makeKnown(now)
  const seen = new Map<DenialCopy, string>()
  const inTurn = makeTurns()

  const compare = async (copy: DenialCopy): Promise<void> => {
    const version = await copy.version()
    if (version === undefined || seen.get(copy) === `${known.changes()} ${version}`) return
    const theirs = await copy.read()
    known.take(theirs)
    const there = new Map(theirs.map((each) => [keyOf(each.kind, each.name), each]))
    const all = known.all()
    const news = all.filter((each) => isNewer(each, there.get(keyOf(each.kind, each.name))))
    if (news.length > 0) await copy.write(news, all)
    // What was written makes another version, and is looked at once more: somebody may have written, too.
    seen.set(copy, `${known.changes()} ${version}`)
  }
  const compareAll = async (): Promise<string[]> => {
    const untold: string[] = []
    for (const copy of copies) {
      await compare(copy).catch((error: unknown) => {
        untold.push(`${copy.name}: ${error instanceof Error ? error.message : String(error)}`)
      })
    }
    return untold
  }
  return {
    covers: ({ messageId, campaignId, customerId }) =>
      known.isAnyDenied() &&
      (known.isDenied('message', messageId) ||
        known.isDenied('campaign', campaignId) ||
        known.isDenied('customer', customerId)),
    list: () => known.all().filter(({ isDenied }) => isDenied),
    refresh: () => inTurn(compareAll),
    say: (kind, name, isDenied) =>
      inTurn(async () => {
        await compareAll()
        const before = known.find(kind, name)
        if ((before?.isDenied ?? false) === isDenied) return { isNew: false, untold: [] }
        const atMs = Math.max(now(), (before?.atMs ?? 0) + 1)
        if (!known.take([{ kind, name, isDenied, atMs }])) {
          throw new DenialError(`there is room for ${MOST}: use deny_… of engagement_tracker`)
        }
        return { isNew: true, untold: await compareAll() }
      }),
  }
}

function makeKnown(now: () => number) {
  const known = new Map<string, Denial>()
  let isAnyDenied = false
  let changes = 0
  const find = (kind: DenialKind, name: string): Denial | undefined => known.get(keyOf(kind, name))
  return {
    find,
    all: () => [...known.values()],
    isAnyDenied: () => isAnyDenied,
    isDenied: (kind: DenialKind, name: string | undefined): boolean =>
      name !== undefined && find(kind, name)?.isDenied === true,
    /** Grows with every change. */
    changes: () => changes,
    /** What is newer than what is known; false: there is no room for all of it. */
    take(all: readonly Denial[]): boolean {
      let isRoom = true
      for (const denial of all) {
        const before = find(denial.kind, denial.name)
        const isOld = !denial.isDenied && denial.atMs < now() - ALLOWED_MS
        if (isOld || !isNewer(denial, before)) continue
        const fits = before !== undefined || known.size < MOST
        isRoom &&= fits
        if (!fits) continue
        known.set(keyOf(denial.kind, denial.name), denial)
        changes++
      }
      isAnyDenied = [...known.values()].some(({ isDenied }) => isDenied)
      return isRoom
    },
  }
}

function keyOf(kind: DenialKind, name: string): string {
  return `${kind} ${name}`
}

function isNewer(denial: Denial, than: Denial | undefined): boolean {
  return than === undefined || denial.atMs > than.atMs
}
