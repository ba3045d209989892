// Which queued mail a command is about: that of some ways, or of it what has a variable or a header line; and what the
// command would do to it, without doing it.
import type { Answer } from '../http/control.ts'
import { lowerCase, toText } from '../mail/bytes.ts'
import { lookUp } from '../mail/context.ts'
import { DEFAULT_EGRESS } from '../mail/envelope.ts'
import { render } from '../mail/rendition.ts'
import { rawValue, splitHeader } from '../mime/field.ts'
import { findFields } from '../mime/header.ts'
import type { QueuedMail, Test } from '../queuedmail.ts'
import { textOf } from './queuetables.ts'
import { type Row, rowsOf } from './queuewalk.ts'
import { contextOf } from '../sentcopy.ts'
import { wayOf } from '../spool/queue.ts'
import type { Stored, Way } from '../spool/stored.ts'

export interface Selection {
  readonly filter: Filter | undefined
  readonly isWanted: (way: Way) => boolean
}

export interface Filter {
  readonly kind: '--meta' | '--header'
  readonly name: string
  readonly value: string
}

/** What would be done. */
export interface Preview {
  readonly count: number
  /** The first of them, a line each. */
  readonly listed: readonly string[]
  /** As the summary names it. */
  readonly target: string
  readonly done: 'failed' | 'moved'
}

type Mail = Pick<QueuedMail, 'unfinished' | 'entry' | 'read'>

const PREVIEWED = 25
export const FILTER = '--meta KEY VALUE|--header NAME LINE'

export function isNoName(word: string): boolean {
  return word === '' || word.startsWith('-')
}

/** The filter that stands in front, if one does, and the words behind it. */
export function filtered(words: readonly string[]): [Filter | undefined, ...string[]] {
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

/** Of what is there now; without a filter also of what comes meanwhile, and nothing is read. */
export async function testOf(mail: Mail, wanted: Selection): Promise<Test> {
  if (!wanted.filter) return (item) => wanted.isWanted(wayOf(item))
  const found = new Map<Stored, Set<number>>()
  for await (const { stored, copy } of matching(mail, wanted)) {
    const copies = found.get(stored)
    if (copies) copies.add(copy)
    else found.set(stored, new Set([copy]))
  }
  return ({ stored, copy }) => found.get(stored)?.has(copy) ?? false
}

export async function preview(
  mail: Mail,
  wanted: Selection,
  about: Pick<Preview, 'target' | 'done'>,
): Promise<Preview> {
  const listed: string[] = []
  let count = 0
  for await (const { of } of matching(mail, wanted)) {
    if (count++ >= PREVIEWED) continue
    const from = `from=<${toText(of.mailfrom)}> to=<${toText(of.rcptto)}>`
    listed.push(`  ${of.id}  domain=${toText(of.routingDomain)} ${from}`)
  }
  return { count, listed, ...about }
}

export function isPreview(data: unknown): data is Preview {
  return typeof data === 'object' && data !== null && 'listed' in data
}

export function previewAnswer({ count, target, done, ...all }: Preview): Answer {
  const listed = all.listed.slice(0, PREVIEWED)
  const more = count - listed.length
  const rest = more > 0 ? ` (Showing first ${PREVIEWED}; ${more} more not listed.)` : ''
  const summary = `[dry-run] ${target}: ${count} messages would be ${done}.${rest}`
  return { isOk: true, text: textOf([...listed, summary]), data: { count, listed, target, done } }
}

async function* matching(mail: Mail, { filter, isWanted }: Selection): AsyncGenerator<Row> {
  for await (const row of rowsOf(mail, isWanted)) {
    if (!filter || (await passes(mail, row, filter))) yield row
  }
}

async function passes(mail: Mail, row: Row, { kind, name, value }: Filter): Promise<boolean> {
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
