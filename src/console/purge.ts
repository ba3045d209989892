// Console commands that end queued mail: fail domain|all [quiet], binding fail domain [quiet]; all of it, or what has a
// variable or a header line (manual pages "fail_domain_quiet", "fail_all_quiet", "binding_fail_domain_quiet").
import type { Answer } from '../http/control.ts'
import type { QueuedMail } from '../queuedmail.ts'
import {
  FILTER,
  filtered,
  isBy,
  isFor,
  isNoName,
  preview,
  previewAnswer,
  type Selection,
  testOf,
} from './selection.ts'

export type PurgeScope = 'domain' | 'all' | 'binding'

interface Purge extends Selection {
  readonly isQuiet: boolean
  readonly isDry: boolean
  /** Undefined: every domain. */
  readonly domain: string | undefined
  readonly note: string
}

const PURGED = '554 5.7.0 [internal] Message manually purged'
const USAGES = {
  domain: `fail domain [quiet] [--dry-run] [${FILTER}] DOMAIN [NOTE]`,
  all: `fail all [quiet] [--dry-run] ${FILTER} [NOTE]`,
  binding: `binding fail domain [quiet] [--dry-run] [${FILTER}] BINDING DOMAIN|all [NOTE]`,
}

export const PURGE_HELP: readonly string[] = Object.values(USAGES)

export async function purge(
  mail: QueuedMail,
  scope: PurgeScope,
  words: readonly string[],
): Promise<Answer> {
  const wanted = purgeOf(scope, words)
  if (!wanted) return { isOk: false, text: `usage: ${USAGES[scope]}\n` }
  const { domain, isDry, isQuiet, note } = wanted
  const about = { target: domain ?? 'all domains', done: 'failed' } as const
  if (isDry) return previewAnswer(await preview(mail, wanted, about))
  const count = await mail.fail(await testOf(mail, wanted), replyOf(note), isQuiet)
  const what = domain ?? 'All domains'
  return { isOk: true, text: `${what} purged. ${count} messages failed.\n`, data: { count } }
}

/** `--dry-run` counts wherever it stands. Undefined: that is no such command. */
function purgeOf(scope: PurgeScope, words: readonly string[]): Purge | undefined {
  const told = words.filter((word) => word !== '--dry-run')
  const isQuiet = told[0] === 'quiet'
  const [filter, ...rest] = filtered(isQuiet ? told.slice(1) : told)
  if (filter === undefined && scope === 'all') return undefined
  const binding = scope === 'binding' ? (rest.shift() ?? '') : undefined
  const domain = scope === 'all' ? undefined : (rest.shift() ?? '')
  const names = [binding ?? 'any', domain ?? 'any']
  // One filter is all there can be, also where a note would follow it.
  if (names.some(isNoName) || (scope === 'all' && isNoName(rest[0] ?? 'none'))) return undefined
  const isEvery = domain === undefined || (scope === 'binding' && domain === 'all')
  return {
    isQuiet,
    isDry: told.length < words.length,
    filter,
    isWanted: (way) =>
      (isEvery || isFor(way, domain)) && (binding === undefined || isBy(way, binding)),
    domain: isEvery ? undefined : domain,
    note: rest.join(' '),
  }
}

/** A note may be a whole reply; one that does not fail for good is not. */
function replyOf(note: string): string {
  if (note === '') return PURGED
  return /^5\d\d(?: |$)/.test(note) ? note : `554 5.7.0 [internal] ${note}`
}
