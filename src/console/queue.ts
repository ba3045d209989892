// Console commands about queued mail, for a running server or a spool that nobody has open: mailq, showqueue,
// message …, fail …, flush …, binding …, spool …. Names and tables are Momentum's where it has them.
import type { Answer } from '../http/control.ts'
import { toText } from '../mail/bytes.ts'
import { purge, PURGE_HELP } from './purge.ts'
import { isDelayed, mailqRange, mailqTable, queueLines } from './queuetables.ts'
import { tally } from './queuewalk.ts'
import { isBy, isFor } from './selection.ts'
import { details, good, listing, spoolCommand, usage } from './spool.ts'
import { wayOf } from '../spool/queue.ts'
import type { Way } from '../spool/stored.ts'
import type { QueuedMail } from '../queuedmail.ts'

const FLUSH = 'flush domain DOMAIN|all'
const FLUSH_BINDING = 'binding flush domain BINDING DOMAIN|all'
export const QUEUE_HELP = [...PURGE_HELP, FLUSH, FLUSH_BINDING]

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
      return second === 'domain' ? flush(mail, FLUSH, rest[0], () => true) : undefined
    case 'fail':
      return second === 'domain' || second === 'all' ? purge(mail, second, rest) : undefined
    case 'binding':
      return bindingCommand(mail, argv.slice(1))
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
    isFor(way, domain) && (binding === 'all' || isBy(way, binding))
  return listing(mail, range, (row) => queueLines(row, nowMs), isWanted)
}

function flush(
  mail: QueuedMail,
  usageText: string,
  domain: string | undefined,
  isWanted: (way: Way) => boolean,
): Answer {
  if (!domain || domain.startsWith('-')) return usage(usageText)
  const count = mail.retry(
    (item) => isWanted(wayOf(item)) && (domain === 'all' || isFor(wayOf(item), domain)),
  )
  return good([`${domain} flushed.  ${count} messages requeued.`], { count })
}

/** `binding fail domain …`, `binding flush domain BINDING DOMAIN|all`. */
async function bindingCommand(
  mail: QueuedMail,
  words: readonly string[],
): Promise<Answer | undefined> {
  const [verb, object, ...rest] = words
  if (object !== 'domain') return undefined
  if (verb === 'fail') return purge(mail, 'binding', rest)
  const [binding = '', domain] = rest
  const isWanted = (way: Way): boolean => isBy(way, binding)
  return verb === 'flush' ? flush(mail, FLUSH_BINDING, domain, isWanted) : undefined
}
