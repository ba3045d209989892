// Console commands about queued mail, for a running server or a spool that nobody has open: mailq, showqueue,
// message …, fail domain, flush domain, spool …. Names and tables are Momentum's where it has them.
import type { Answer } from './http/control.ts'
import { lowerCase, toText } from './mail/bytes.ts'
import { DEFAULT_EGRESS } from './mail/envelope.ts'
import { isDelayed, mailqRange, mailqTable, queueLines } from './queuetables.ts'
import { type Row, rowsOf, tally } from './queuewalk.ts'
import { details, good, listing, spoolCommand, usage } from './spoolconsole.ts'
import type { Entry } from './spool/entry.ts'
import { type QueueItem, wayOf } from './spool/queue.ts'
import type { Stored, Way } from './spool/stored.ts'

/** The mail that is there, and what can be done to it. Copies on their way are left alone. */
export interface QueuedMail {
  unfinished(): Iterable<Stored>
  entry(stored: Stored): Promise<Entry>
  read(stored: Stored): Promise<Buffer>
  retry(test: Test): number
  /** The reply is a line such as `554 5.4.7 …`. */
  fail(test: Test, reply: string, isQuiet: boolean): Promise<number>
  remove(test: Test): number
}

export function queuedMail(
  { unfinished, entry, read }: Pick<QueuedMail, 'unfinished' | 'entry' | 'read'>,
  { retry, fail, remove }: Pick<QueuedMail, 'retry' | 'fail' | 'remove'>,
): QueuedMail {
  return { unfinished, entry, read, retry, fail, remove }
}

export type Test = (item: QueueItem) => boolean

const PURGED = '554 5.7.0 [internal] Message manually purged'

/** Undefined: no command of these. */
export async function queueCommand(
  mail: QueuedMail,
  argv: readonly string[],
  nowMs: number,
): Promise<Answer | undefined> {
  const [first = '', second = '', ...rest] = argv
  switch (first) {
    case 'mailq':
      return mailq(mail, argv.slice(1), nowMs)
    case 'showqueue':
      return showqueue(mail, argv.slice(1), nowMs)
    case 'flush':
    case 'fail':
      return second === 'domain' ? domainCommand(mail, first, rest) : undefined
    case 'message':
      return second === 'details' ? details(mail, rest) : spoolCommand(mail, second, rest)
    case 'spool':
      return spoolCommand(mail, second, rest)
    default:
      return undefined
  }
}

async function mailq(mail: QueuedMail, words: readonly string[], nowMs: number): Promise<Answer> {
  const range = mailqRange(words)
  if (!range) return usage('mailq [-d DOMAIN]… [-b BINDING]… [-l NUMBER]')
  const tallies = await tally(mail, (state) => isDelayed(state, nowMs))
  const text = ({ group, binding, domain, ...counts }: (typeof tallies)[number]) => ({
    group: toText(group),
    binding: toText(binding),
    domain: toText(domain),
    ...counts,
  })
  return mailqTable(tallies.map(text), range)
}

async function showqueue(
  mail: QueuedMail,
  words: readonly string[],
  nowMs: number,
): Promise<Answer> {
  const binding = words[0] === 'binding' ? (words[1] ?? '') : 'all'
  const [domain, range = '100,0'] = words[0] === 'binding' ? words.slice(2) : words
  if (!domain) return usage('showqueue [binding NAME|all] DOMAIN [LIMIT[,OFFSET]]')
  const isWanted = (way: Way): boolean =>
    isFor(way, domain) &&
    (binding === 'all' || toText((way.egress ?? DEFAULT_EGRESS).binding) === binding)
  return listing(mail, range, (row) => queueLines(row, nowMs), isWanted)
}

async function domainCommand(
  mail: QueuedMail,
  verb: 'fail' | 'flush',
  words: readonly string[],
): Promise<Answer> {
  const isDry = words.includes('--dry-run')
  const told = words.filter((word) => word !== '--dry-run')
  const isQuiet = verb === 'fail' && told[0] === 'quiet'
  const [domain, ...note] = isQuiet ? told.slice(1) : told
  if (!domain || domain.startsWith('-')) {
    return usage(
      `${verb} domain ${verb === 'fail' ? '[quiet] [--dry-run] DOMAIN [NOTE]' : 'DOMAIN|all'}`,
    )
  }
  const test: Test = (item) => (verb === 'flush' && domain === 'all') || isFor(wayOf(item), domain)
  if (verb === 'flush') {
    const count = mail.retry(test)
    return good([`${domain} flushed.  ${count} messages requeued.`], { count })
  }
  if (isDry) return preview(mail, domain)
  const count = await mail.fail(test, replyOf(note.join(' ')), isQuiet)
  return good([`${domain} purged. ${count} messages failed.`], { count })
}

/** A note may be a whole reply; one that does not fail for good is not. */
function replyOf(note: string): string {
  if (note === '') return PURGED
  return /^5\d\d(?: |$)/.test(note) ? note : `554 5.7.0 [internal] ${note}`
}

const PREVIEWED = 25

async function preview(mail: QueuedMail, domain: string): Promise<Answer> {
  const rows: Row[] = []
  for await (const row of rowsOf(mail, (way) => isFor(way, domain))) rows.push(row)
  const lines = rows
    .slice(0, PREVIEWED)
    .map(
      ({ of }) =>
        `  ${of.id}  domain=${domain} from=<${toText(of.mailfrom)}> to=<${toText(of.rcptto)}>`,
    )
  const more = rows.length - lines.length
  const rest = more > 0 ? ` (Showing first ${PREVIEWED}; ${more} more not listed.)` : ''
  const summary = `[dry-run] ${domain}: ${rows.length} messages would be failed.${rest}`
  return good([...lines, summary], { count: rows.length })
}

function isFor({ routingDomain }: Way, domain: string): boolean {
  return lowerCase(routingDomain) === lowerCase(domain)
}
