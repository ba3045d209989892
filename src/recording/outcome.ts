// What a policy makes of a case for each recipient, so that two policies can be compared.
import { toText } from '../mail/bytes.ts'
import type { RecipientResult, TransactionResult } from '../rehearsal/result.ts'
import { normalContext, normalMessage, normalText } from './normal.ts'

export interface Outcome {
  /** Of the message in the case, from 1. */
  readonly message: number
  readonly rcptto: string
  /** Lines: verdict, reply, binding, context variables, and the copy. */
  readonly lines: readonly string[]
}

export interface ChangedOutcome {
  readonly message: number
  readonly rcptto: string
  readonly before: readonly string[]
  readonly after: readonly string[]
}

export function outcomesOf(transactions: readonly TransactionResult[]): Outcome[] {
  return transactions.flatMap(({ recipients, sent }, i) => [
    ...recipients.map((recipient) => ({
      message: i + 1,
      rcptto: toText(recipient.rcptto),
      lines: linesOf(recipient),
    })),
    ...sent.map(({ kind, rcptto, mailfrom, bytes }) => ({
      message: i + 1,
      rcptto: `${toText(rcptto)} (${kind})`,
      lines: [`from: ${toText(mailfrom)}`, ...normalMessage(bytes)],
    })),
  ])
}

/** Recipients that one of the two does not know have no lines there. */
export function changesBetween(
  before: readonly Outcome[],
  after: readonly Outcome[],
): ChangedOutcome[] {
  const left = [...after]
  const changed = before.flatMap((one) => {
    const at = left.findIndex(
      ({ message, rcptto }) => message === one.message && rcptto === one.rcptto,
    )
    const [other] = at < 0 ? [] : left.splice(at, 1)
    const isSame = other && other.lines.join('\n') === one.lines.join('\n')
    return isSame ? [] : [{ ...one, before: one.lines, after: other?.lines ?? [] }]
  })
  const more = left.map((one) => ({ ...one, before: [], after: one.lines }))
  return [...changed, ...more].map(({ message, rcptto, before: was, after: is }) => ({
    message,
    rcptto,
    before: was,
    after: is,
  }))
}

function linesOf({ verdict, reply, copy }: RecipientResult): string[] {
  const head = [`verdict: ${verdict}`, `reply: ${reply.code} ${normalText(toText(reply.text))}`]
  if (!copy) return head
  const { egress, mailfrom, rcptto, routingDomain, after, bytes } = copy
  const context = Object.entries(normalContext(after.message))
  return [
    ...head,
    `envelope: ${toText(mailfrom)} to ${toText(rcptto)} by ${toText(routingDomain)}`,
    `binding: ${egress.binding}`,
    ...context.map(([name, value]) => `context: ${name}=${value}`),
    ...(bytes ? ['', ...normalMessage(bytes)] : []),
  ]
}
