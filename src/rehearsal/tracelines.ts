// One traced callout as lines for a terminal.
import type { CalloutTrace } from '../policy/trace.ts'
import { type Paint, safe, shown } from './paint.ts'

/** The first line names the callout, those below what it did. Text, not byte strings. */
export function calloutLines(record: CalloutTrace, paint: Paint): string[] {
  const { callout, module, rcptto, ms, result } = record
  const about = rcptto ? ` <${safe(rcptto)}>` : ''
  const isError = result.startsWith('error: ')
  const end = paint(isError ? 'red' : 'dim', safe(result))
  return [
    `${paint('bold', callout)} ${safe(module)}${about}  ${ms.toFixed(2)} ms  ${end}`,
    ...effectLines(record).map((line) => `  ${line}`),
  ]
}

function effectLines(record: CalloutTrace): string[] {
  const { verdict, context, header, body, recipients, envelope, prints, outside } = record
  return [
    ...(verdict ? [verdictText(verdict)] : []),
    ...context.map(
      ({ dictionary, name, before, after }) =>
        `${dictionary} ${safe(name)}: ${shown(before)} → ${shown(after)}`,
    ),
    ...header.removed.map((line) => `- ${safe(line)}`),
    ...header.added.map((line) => `+ ${safe(line)}`),
    ...(body ? [`body: ${body.before} → ${body.after} octets`] : []),
    ...(recipients
      ? [`recipients: ${listed(recipients.before)} → ${listed(recipients.after)}`]
      : []),
    ...envelope.map(({ name, before, after }) => `${name}: ${shown(before)} → ${shown(after)}`),
    ...outside.map(
      ({ service, request, answer, ms }) =>
        `${service} ${safe(request)} → ${safe(answer)}  ${ms.toFixed(2)} ms`,
    ),
    ...prints.map((line) => `print: ${safe(line)}`),
  ]
}

function verdictText({ code, text, disconnect, tarpitSeconds }: Verdict): string {
  const more = `${disconnect ? ', disconnects' : ''}${tarpitSeconds > 0 ? `, waits ${tarpitSeconds} s` : ''}`
  return `reply: ${code} ${safe(text)}${more}`
}

type Verdict = NonNullable<CalloutTrace['verdict']>

function listed(addresses: readonly string[]): string {
  return safe(addresses.join(', ')) || 'nobody'
}
