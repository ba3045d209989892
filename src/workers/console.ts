// The console of several workers: each answers for itself, and this makes one answer of theirs.
import { isBindingSummary, mergeSummaries, summaryAnswer } from '../console/binding.ts'
import { lines } from '../console/answers.ts'
import { summaryTable } from '../console/console.ts'
import { listAnswer, listRequest } from '../console/domain.ts'
import { isDomainFacts, mergeFacts } from '../console/domainfacts.ts'
import { type DomainList, mergeLists } from '../console/domainlist.ts'
import { domainAnswer } from '../console/domaintext.ts'
import type { WorkerStatus } from './request.ts'
import type { FleetServer } from './server.ts'
import type { Answer } from '../http/control.ts'
import { errorText } from '../events/lines.ts'
import { mailqRange, type MailqRow, mailqTable } from '../console/queuetables.ts'
import { isRebound, mergeRebounds, rebindAnswer } from '../console/rebind.ts'
import { isReroute, mergeReroutes, rerouteAnswer } from '../console/reroute.ts'
import { isPreview, type Preview, previewAnswer } from '../console/selection.ts'
import { isShared } from '../console/state.ts'
import { type TraceList, traceTable } from '../console/trace.ts'

export interface FleetConsoleOptions {
  readonly server: Pick<
    FleetServer,
    'workers' | 'askAll' | 'askInTurn' | 'askOne' | 'reload' | 'reopenLogs' | 'standing'
  >
  readonly shutdown: () => void
}

/** Never rejects. */
export async function runFleetCommand(
  options: FleetConsoleOptions,
  argv: readonly string[],
): Promise<Answer> {
  try {
    const own = (await ownAnswer(options, argv)) ?? (await listed(options, argv))
    if (own) return own
    const answer = merged(argv, await answersOf(options, argv))
    if (answer.isOk) options.server.standing.note(argv)
    return answer
  } catch (error) {
    return { isOk: false, text: `${errorText(error)}\n` }
  }
}

/** What is for all of them together. */
async function ownAnswer(
  options: FleetConsoleOptions,
  argv: readonly string[],
): Promise<Answer | undefined> {
  const { server, shutdown } = options
  switch (argv.join(' ')) {
    case 'pid':
      return lines([String(process.pid)], { pid: process.pid })
    case 'workers': {
      const rows = server.workers.map(({ slot, pid, isReady, status }) => ({
        slot,
        pid,
        ready: isReady,
        sessions: sessionsOf(status),
      }))
      const text = rows.map(
        ({ slot, pid, ready, sessions }) =>
          `${slot}  ${pid}  ${ready ? `ready, ${sessions} sessions` : 'starting'}`,
      )
      return lines(text, rows)
    }
    case 'config reload': {
      const isDone = await server.reload()
      const text = isDone ? 'Reconfigure complete.' : 'Reconfigure failed: paniclog says why.'
      return { isOk: isDone, text: `${text}\n`, data: { ok: isDone } }
    }
    case 'reopen logs':
      await server.reopenLogs()
      return lines(['logs reopened'], {})
    case 'shutdown':
      // After the reply.
      setTimeout(shutdown, 50)
      return lines(['shutting down'], {})
    case 'summary':
      return summary(options)
    default:
      return ['deny', 'allow'].includes(argv[0] ?? '') ? inTurn(options, argv) : undefined
  }
}

/** Of its SMTP listeners, when it last said so. */
function sessionsOf(status: unknown): number {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a worker of the same version
  const loads = (status as WorkerStatus | undefined)?.loads ?? []
  return loads.reduce((sum, { open }) => sum + open, 0)
}

/** A queue that is long with all of them may be short with each. */
async function listed(
  options: FleetConsoleOptions,
  argv: readonly string[],
): Promise<Answer | undefined> {
  const request = listRequest(argv)
  if (!request || typeof request === 'string') return undefined
  const asked = request.queue ? [...argv.slice(0, -1), '-1'] : argv
  const all = await answersOf(options, asked)
  const good = all.filter(({ isOk }) => isOk).map(({ data }) => data as DomainList)
  return good.length > 0 ? listAnswer(request, mergeLists(good)) : all[0]
}

/** What one of them remembers the next one knows already: each answers for itself, and the first for all. */
async function inTurn(
  { server }: FleetConsoleOptions,
  argv: readonly string[],
): Promise<Answer | undefined> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- workers of the same version
  return (await server.askInTurn({ kind: 'command', argv }))[0] as Answer | undefined
}

async function summary(options: FleetConsoleOptions): Promise<Answer> {
  const all = await answersOf(options, ['summary'])
  const queued = await answersOf(options, ['mailq'])
  const rows = (queued.map(({ data }) => data) as MailqRow[][]).flat()
  const domains = new Set(rows.map(({ domain }) => domain)).size
  return summaryTable({ ...sums(all.map(({ data }) => data) as Facts[]), domains })
}

async function answersOf(
  { server }: FleetConsoleOptions,
  argv: readonly string[],
): Promise<Answer[]> {
  const ask = isShared(argv) ? server.askOne : server.askAll
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- workers of the same version
  return (await ask({ kind: 'command', argv })) as Answer[]
}

function merged(argv: readonly string[], all: readonly Answer[]): Answer {
  const command = argv.join(' ')
  if (command === 'spool verify') return verified(all)
  const rebounds = all.map(({ data }) => data).filter(isRebound)
  if (rebounds.length > 0) return rebindAnswer(rebounds.reduce(mergeRebounds))
  const reroutes = all.map(({ data }) => data).filter(isReroute)
  if (reroutes.length > 0) return rerouteAnswer(reroutes.reduce(mergeReroutes))
  const good = all.filter(({ isOk }) => isOk)
  const [first] = good
  // A message is with one worker: the others do not know it.
  if (!first) return all[0] ?? { isOk: false, text: 'no worker answers\n' }
  const data = good.map((answer) => answer.data)
  if (command === 'trace list' || command === 'trace')
    return traceTable(joined(data as TraceList[]))
  if (data.every(isDomainFacts)) return domainAnswer(data.reduce(mergeFacts))
  if (data.every(isBindingSummary)) return summaryAnswer(data.reduce(mergeSummaries))
  const range = argv[0] === 'mailq' ? mailqRange(argv.slice(1)) : undefined
  if (range) return mailqTable(summed((data as MailqRow[][]).flat()), range)
  if (SAME.has(command) || good.length === 1) return first
  if (data.every(isPreview)) return previewAnswer(joinedPreviews(data))
  if (data.every(isCounted)) return counted(good, data)
  const texts = new Set(good.map(({ text }) => text))
  const text = [...texts].join('')
  if (data.every(Array.isArray)) return { isOk: true, text, data: data.flat() as unknown[] }
  return { isOk: true, text, data: texts.size === 1 ? first.data : { text } }
}

function joined(all: readonly TraceList[]): TraceList {
  const receptions = all.flatMap((each) => each.receptions).sort((a, b) => b.atMs - a.atMs)
  return { sample: 0, ...all[0], receptions }
}

function joinedPreviews(all: readonly Preview[]): Preview {
  const count = all.reduce((sum, each) => sum + each.count, 0)
  const listed = all.flatMap((each) => each.listed)
  return { target: '', done: 'failed', ...all[0], count, listed }
}

/** All say the same. */
const SAME: ReadonlySet<string> = new Set([
  'help',
  'version',
  'script list',
  'summary reset',
  'trace smtp list',
])

type Facts = Readonly<Record<string, string | number>>

/** Numbers of all together; of texts the first that says something is wrong. */
function sums(all: readonly Facts[]): Facts {
  const [first = {}] = all
  const entries = Object.keys(first).map((name): [string, string | number] => {
    const values = all.map((facts) => facts[name])
    if (name === 'uptime_seconds') return [name, Math.floor(process.uptime())]
    // A worker that took another's place counts from its own start.
    if (name === 'counted_seconds') return [name, Math.max(...values.map(Number))]
    if (typeof first[name] === 'number') {
      return [name, values.reduce<number>((sum, value) => sum + Number(value), 0)]
    }
    return [
      name,
      String(values.find((value) => value !== first[name] && value !== 'yes') ?? first[name]),
    ]
  })
  return { ...Object.fromEntries(entries), workers: all.length }
}

function summed(rows: readonly MailqRow[]): MailqRow[] {
  const ways = new Map<string, MailqRow>()
  for (const row of rows) {
    const key = `${row.group}/${row.binding} ${row.domain}`
    const { active = 0, delayed = 0 } = ways.get(key) ?? {}
    ways.set(key, { ...row, active: active + row.active, delayed: delayed + row.delayed })
  }
  return [...ways.values()]
}

interface Verified {
  readonly messages: number
  readonly octets: number
  readonly damaged: readonly string[]
}

function verified(all: readonly Answer[]): Answer {
  const data = all.map((answer) => answer.data as Verified)
  const messages = data.reduce((sum, each) => sum + each.messages, 0)
  const octets = data.reduce((sum, each) => sum + each.octets, 0)
  const damaged = data.flatMap((each) => each.damaged)
  const summary = `${messages} messages, ${octets} octets, ${damaged.length} damaged`
  const answer = lines([...damaged, summary], { messages, octets, damaged })
  return { ...answer, isOk: damaged.length === 0 }
}

interface Counted {
  readonly count: number
}

function isCounted(data: unknown): data is Counted {
  return typeof data === 'object' && data !== null && 'count' in data
}

/** `2 copies removed`, `1 copy removed`: three. */
function counted(all: readonly Answer[], data: readonly Counted[]): Answer {
  const count = data.reduce((sum, each) => sum + each.count, 0)
  const last = all[0]?.text.trimEnd() ?? ''
  const sum = last.replace(/\d+ (copy|copies|messages)\b/, (_, unit) =>
    unit === 'messages' ? `${count} messages` : `${count} ${count === 1 ? 'copy' : 'copies'}`,
  )
  return lines([sum], { count })
}
