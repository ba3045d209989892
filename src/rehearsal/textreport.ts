// A run as text for a terminal: recipients one below the other, each with what policy and tracking made of
// it. Nothing of a mail reaches the terminal as control characters.
import type { CalloutTrace } from '../policy/trace.ts'
import type { Difference, PartDifference } from './difference.ts'
import type { CopyText, RecipientReport, RunReport, TrackingText } from './report.ts'
import { calloutLines } from './tracelines.ts'
import { type Paint, safe, shown, shortened } from './paint.ts'
import { tokenLines, withoutTokens } from './tokenlines.ts'

export interface TextOptions {
  readonly paint: Paint
  /** Shows what differs octet for octet. */
  readonly isRaw: boolean
  readonly isTraced: boolean
  /** Only what became of each recipient. */
  readonly isQuiet: boolean
}

export function textReport(report: RunReport, options: TextOptions): string {
  const { paint, isQuiet, isTraced } = options
  const lines: string[] = []
  if (!isQuiet) {
    lines.push(...opening(report, paint), '')
    if (isTraced) lines.push(...traceLines(report.trace, paint), '')
  }
  for (const recipient of report.recipients) {
    lines.push(verdictLine(recipient, paint))
    if (!isQuiet) lines.push(...recipientLines(recipient, options), '')
  }
  if (!isQuiet) lines.push(...closing(report, paint))
  return `${lines.join('\n').trimEnd()}\n`
}

function opening({ scripts, configuration, message, session }: RunReport, paint: Paint): string[] {
  return [
    `${paint('bold', safe(message.name))}, ${count(message.bytes, 'octet')}`,
    `policy         ${scripts.map(safe).join(', ') || 'none'}`,
    `configuration  ${safe(configuration)}`,
    '',
    ...session.map(({ command, reply }) => {
      const said = shortened(safe(reply.text.split('\n')[0] ?? ''), 60)
      const line = `${reply.code} ${said}`
      return `${safe(command || '(connect)').padEnd(36)} ${paint(codeColour(reply.code), line)}`
    }),
  ]
}

function codeColour(code: number): 'green' | 'red' | 'yellow' {
  if (code < 400) return 'green'
  return code < 500 ? 'yellow' : 'red'
}

function verdictLine({ rcptto, verdict, reply, reason }: RecipientReport, paint: Paint): string {
  const colour = verdict === 'accepted' ? 'green' : verdict === 'discarded' ? 'yellow' : 'red'
  const why = reason ? `  (${safe(reason)})` : ''
  const text = `${reply.code} ${safe(reply.text)}`
  return `${paint('bold', `== ${safe(rcptto)}`)}  ${paint(colour, verdict)}  ${text}${why}`
}

function recipientLines(recipient: RecipientReport, options: TextOptions): string[] {
  const { paint } = options
  const { context, copy } = recipient
  return [
    ...section('context', contextLines(context, paint)),
    ...(copy ? copyLines(copy, options) : []),
  ]
}

function contextLines(context: RecipientReport['context'], paint: Paint): string[] {
  return context.map(({ dictionary, name, before, after, callout, module }) => {
    const change = `${shown(before)} → ${paint('bold', shown(after))}`
    return `${dictionary.padEnd(10)} ${safe(name)}  ${change}  ${paint('dim', `${safe(module)}:${callout}`)}`
  })
}

function copyLines(copy: CopyText, { paint, isRaw }: TextOptions): string[] {
  const { header, parts, raw } = copy
  return [
    ...section('envelope', envelopeLines(copy)),
    ...section('header', [
      ...header.removed.map(({ name, value }) => paint('red', `- ${safe(name)}: ${safe(value)}`)),
      ...header.added.map(({ name, value }) => paint('green', `+ ${safe(name)}: ${safe(value)}`)),
    ]),
    ...parts.flatMap((part) => partLines(part, paint)),
    ...(isRaw ? section('octets', differenceLines(raw, paint, true)) : []),
    ...linkLines(copy, paint),
    ...section('size', [
      `${copy.bytesBefore} → ${count(copy.bytesAfter, 'octet')}${copy.bytes === undefined ? ', not sent' : ''}`,
    ]),
  ]
}

function linkLines({ tracking, bytes }: CopyText, paint: Paint): string[] {
  if (tracking) return trackingLines(tracking, paint)
  return bytes === undefined ? [] : section('links', ['not tracked'])
}

function envelopeLines(copy: CopyText): string[] {
  const group = copy.bindingGroup === 'default' ? '' : ` of ${safe(copy.bindingGroup)}`
  return [
    `from <${safe(copy.mailfrom)}> to <${safe(copy.rcptto)}>, queue ${safe(copy.routingDomain)}`,
    `binding ${safe(copy.binding)}${group}${copy.isPriority ? ', priority' : ''}`,
  ]
}

function partLines(part: PartDifference, paint: Paint): string[] {
  const { type, number, encoding, bytesBefore, bytesAfter, isChanged, difference } = part
  const name = `part ${number}`
  if (!isChanged) return section(name, [`${safe(type)}: the same, ${count(bytesAfter, 'octet')}`])
  const sizes = `${safe(type)} (${safe(encoding)}): ${bytesBefore} → ${count(bytesAfter, 'octet')}`
  return section(name, [sizes, ...differenceLines(difference, paint)])
}

function differenceLines(difference: Difference, paint: Paint, isRaw = false): string[] {
  if (typeof difference === 'string') return [difference]
  return difference.flatMap(({ afterLine, lines }) => [
    paint('dim', `line ${afterLine}`),
    ...pairwise(isRaw ? lines : lines.map(withoutTokens)).map((line) => {
      if (line.startsWith('+')) return paint('green', line)
      return line.startsWith('-') ? paint('red', line) : paint('dim', line)
    }),
  ])
}

const WIDTH = 150
const LEAD = 30

/** Long lines are cut; one that was changed is cut so that the change shows. */
function pairwise(lines: readonly string[]): string[] {
  const removed = lines.filter((line) => line.startsWith('-'))
  const added = lines.filter((line) => line.startsWith('+'))
  return lines.map((line) => {
    const sign = line.slice(0, 1)
    const index = (sign === '-' ? removed : added).indexOf(line)
    const other = sign === ' ' ? undefined : (sign === '-' ? added : removed)[index]
    return sign + cutAround(line.slice(1), other?.slice(1))
  })
}

function cutAround(line: string, other: string | undefined): string {
  if (line.length <= WIDTH) return safe(line)
  const at = other === undefined ? 0 : commonLength(line, other)
  const from = Math.max(0, at - LEAD)
  return shortened((from > 0 ? '…' : '') + safe(line.slice(from, from + WIDTH + 1)), WIDTH)
}

function commonLength(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}

function trackingLines(tracking: TrackingText, paint: Paint): string[] {
  const { links, pixel, initialPixel, leftAlone } = tracking
  return [
    ...section('links', [
      ...leftAlone.map(({ part, why }) => `${part}: left alone: ${why}`),
      ...links.map(({ outcome, part, line, target, name, form }) => {
        const what = form ? `${outcome} (${form})` : outcome
        const label = paint(outcome === 'tracked' ? 'green' : 'yellow', what.padEnd(16))
        const place = `${part} line ${line}`.padEnd(20)
        return `${label} ${place} ${shortened(safe(target), 90)}${name ? `  (${safe(name)})` : ''}`
      }),
    ]),
    ...section('pixel', [pixel, ...(initialPixel === 'off' ? [] : [`initial: ${initialPixel}`])]),
    ...section('tokens', tokenLines(tracking)),
  ]
}

function closing({ sent, logs, isSound }: RunReport, paint: Paint): string[] {
  const { mainlog, rejectlog, paniclog } = logs
  const named = Object.entries({ mainlog, rejectlog, paniclog }).filter(([, all]) => all.length > 0)
  return [
    ...section(
      'sent too',
      sent.map(
        ({ kind, mailfrom, rcptto, text }) =>
          `${kind}: <${safe(mailfrom)}> → <${safe(rcptto)}>, ${count(text.length, 'character')}`,
      ),
    ),
    ...named.flatMap(([name, all]) => section(name, all.map(safe))),
    ...(isSound ? [] : [paint('red', 'a callout failed: see paniclog')]),
  ]
}

function traceLines(trace: readonly CalloutTrace[], paint: Paint): string[] {
  return section(
    'trace',
    trace.flatMap((record) => calloutLines(record, paint)),
  )
}

/** A label on the first line, the others below it. Nothing for nothing. */
function section(label: string, lines: readonly string[]): string[] {
  return lines.map((line, i) => `  ${(i === 0 ? label : '').padEnd(10)} ${line}`.trimEnd())
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
