// Console commands that end queued mail: fail domain|all [quiet], binding fail domain [quiet]; all of it, or what has a
// variable or a header line (manual pages "fail_domain_quiet", "fail_all_quiet", "binding_fail_domain_quiet").
import type { Answer } from './http/control.ts'
import { lowerCase, toText } from './mail/bytes.ts'
import { lookUp } from './mail/context.ts'
import { DEFAULT_EGRESS } from './mail/envelope.ts'
import { render } from './mail/rendition.ts'
import { rawValue, splitHeader } from './mime/field.ts'
import { findFields } from './mime/header.ts'
import type { QueuedMail, Test } from './queueconsole.ts'
import { textOf } from './queuetables.ts'
import { type Row, rowsOf } from './queuewalk.ts'
import { contextOf } from './sentcopy.ts'
import { wayOf } from './spool/queue.ts'
import type { Stored, Way } from './spool/stored.ts'

export type PurgeScope = 'domain' | 'all' | 'binding'

interface Purge {
  readonly isQuiet: boolean
  readonly isDry: boolean
  readonly filter: Filter | undefined
  readonly isWanted: (way: Way) => boolean
  /** Undefined: every domain. */
  readonly domain: string | undefined
  readonly note: string
}

interface Filter {
  readonly kind: '--meta' | '--header'
  readonly name: string
  readonly value: string
}

/** What would be ended. */
export interface Preview {
  readonly count: number
  /** The first of them, a line each. */
  readonly listed: readonly string[]
  /** As the summary names it. */
  readonly target: string
}

const PURGED = '554 5.7.0 [internal] Message manually purged'
const PREVIEWED = 25
const FILTER = '--meta KEY VALUE|--header NAME LINE'
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
  if (wanted.isDry) return previewAnswer(await preview(mail, wanted))
  const { domain, isQuiet, note } = wanted
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

function isNoName(word: string): boolean {
  return word === '' || word.startsWith('-')
}

/** The filter that stands in front, if one does, and the words behind it. */
function filtered(words: readonly string[]): [Filter | undefined, ...string[]] {
  const [kind, name, value, ...rest] = words
  const isFilter = (kind === '--meta' || kind === '--header') && value !== undefined
  return isFilter ? [{ kind, name: name ?? '', value }, ...rest] : [undefined, ...words]
}

export function isFor({ routingDomain }: Way, domain: string): boolean {
  return lowerCase(routingDomain) === lowerCase(domain)
}

export function isBy({ egress = DEFAULT_EGRESS }: Way, binding: string): boolean {
  return toText(egress.binding) === binding
}

/** A note may be a whole reply; one that does not fail for good is not. */
function replyOf(note: string): string {
  if (note === '') return PURGED
  return /^5\d\d(?: |$)/.test(note) ? note : `554 5.7.0 [internal] ${note}`
}

/** Of what is there now; without a filter also of what comes meanwhile, and nothing is read. */
async function testOf(mail: QueuedMail, wanted: Purge): Promise<Test> {
  if (!wanted.filter) return (item) => wanted.isWanted(wayOf(item))
  const found = new Map<Stored, Set<number>>()
  for await (const { stored, copy } of matching(mail, wanted)) {
    const copies = found.get(stored)
    if (copies) copies.add(copy)
    else found.set(stored, new Set([copy]))
  }
  return ({ stored, copy }) => found.get(stored)?.has(copy) ?? false
}

async function preview(mail: QueuedMail, wanted: Purge): Promise<Preview> {
  const listed: string[] = []
  let count = 0
  for await (const { of } of matching(mail, wanted)) {
    if (count++ >= PREVIEWED) continue
    const from = `from=<${toText(of.mailfrom)}> to=<${toText(of.rcptto)}>`
    listed.push(`  ${of.id}  domain=${toText(of.routingDomain)} ${from}`)
  }
  return { count, listed, target: wanted.domain ?? 'all domains' }
}

export function isPreview(data: unknown): data is Preview {
  return typeof data === 'object' && data !== null && 'listed' in data
}

export function previewAnswer({ count, target, ...all }: Preview): Answer {
  const listed = all.listed.slice(0, PREVIEWED)
  const more = count - listed.length
  const rest = more > 0 ? ` (Showing first ${PREVIEWED}; ${more} more not listed.)` : ''
  const summary = `[dry-run] ${target}: ${count} messages would be failed.${rest}`
  return { isOk: true, text: textOf([...listed, summary]), data: { count, listed, target } }
}

async function* matching(mail: QueuedMail, { filter, isWanted }: Purge): AsyncGenerator<Row> {
  for await (const row of rowsOf(mail, isWanted)) {
    if (!filter || (await passes(mail, row, filter))) yield row
  }
}

async function passes(mail: QueuedMail, row: Row, { kind, name, value }: Filter): Promise<boolean> {
  if (kind === '--meta') return variableOf(row, name) === value
  // What is damaged, or gone meanwhile, has been reported by the spool.
  const data = await mail.read(row.stored).catch(() => undefined)
  if (!data) return false
  const { fields } = splitHeader(render(data, row.of.rendition))
  return findFields(fields, name).some((field) => linesOf(rawValue(field)).includes(value))
}

/** The message's, else the connection's. */
function variableOf({ entry, of, state }: Row, name: string): string | undefined {
  const value = lookUp(contextOf(entry, of, state.context), name)
  return value === undefined ? undefined : toText(value)
}

/** As they stand in the header, each of its own: only the first has lost the blanks before it. */
function linesOf(value: string): string[] {
  return toText(value)
    .replace(/^[ \t]+/, '')
    .split(/\r?\n/)
}
