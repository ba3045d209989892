// Console commands about traces: `trace on [N] [ABOUT]`, `trace off`, `trace list`, `trace show ID`.
import type { Answer } from '../http/control.ts'
import { plain } from '../rehearsal/paint.ts'
import { calloutLines } from '../rehearsal/tracelines.ts'
import type { RecentTrace, TraceChoice, Traces } from '../observing/traces.ts'

/** Undefined: no command of these. */
export function traceCommand(traces: Traces, argv: readonly string[]): Answer | undefined {
  const [word, verb, ...rest] = argv
  if (word !== 'trace') return undefined
  switch (verb) {
    case 'on':
      return choose(traces, rest)
    case 'off':
      traces.choose({ sample: 0 })
      return { isOk: true, text: 'trace off\n', data: traces.choice }
    case 'list':
    case undefined:
      return list(traces)
    case 'show':
      return show(traces, rest[0] ?? '')
    default:
      return { isOk: false, text: 'usage: trace on [N] [ABOUT] | off | list | show ID\n' }
  }
}

/** `trace on anna@a.example`, `trace on 100`, `trace on 100 *@a.example` */
function choose(traces: Traces, words: readonly string[]): Answer {
  const [first = '1'] = words
  const isNumber = /^[1-9]\d{0,8}$/.test(first)
  const about = isNumber ? words[1] : first
  const choice: TraceChoice = { sample: isNumber ? Number(first) : 1, about }
  traces.choose(choice)
  return { isOk: true, text: `${choiceText(choice)}\n`, data: choice }
}

function choiceText({ sample, about }: TraceChoice): string {
  if (sample === 0) return 'trace off'
  const which = sample === 1 ? 'every session' : `one session in ${sample}`
  return `trace on: ${which}${about === undefined ? '' : `, about ${about}`}`
}

function list(traces: Traces): Answer {
  return traceTable({ ...traces.choice, receptions: traces.recent() })
}

/** What there are traces of, the latest first. */
export interface TraceList extends TraceChoice {
  readonly receptions: readonly RecentTrace[]
}

export function traceTable(data: TraceList): Answer {
  const { receptions } = data
  const rows = receptions.map(({ batchId, rcpttos, callouts, failures, atMs }) => {
    const who = rcpttos.join(', ') || 'no recipient'
    const failed = failures > 0 ? `, ${failures} failed` : ''
    return `${new Date(atMs).toISOString()}  ${batchId}  ${callouts} callouts${failed}  ${who}\n`
  })
  return {
    isOk: true,
    text: `${choiceText(data)}\n${rows.join('')}`,
    data,
  }
}

function show(traces: Traces, id: string): Answer {
  const records = traces.find(id)
  if (records.length === 0) return { isOk: false, text: `no trace of "${id}": try trace list\n` }
  const lines = records.flatMap((record) => calloutLines(record, plain))
  return { isOk: true, text: `${lines.join('\n')}\n`, data: records }
}
