// The copies of the demo beside the original, read with a mail library that is not ours.
import { simpleParser } from 'mailparser'
import type { Acceptance } from '../smtp/reception.ts'
import type { Explain } from '../tracking/explain.ts'
import type { SunkMail } from './sink.ts'

/** One recipient's copy beside the original. */
export interface ReadCopy {
  readonly rcptto: string
  /** Context variables that the transform reads. */
  readonly settings: Readonly<Record<string, string>>
  readonly explain: Explain | undefined
  readonly bytes: Buffer
  readonly copyHtml: string
  readonly originalHtml: string
  /** Field names and values as raw lines. */
  readonly copyHeader: readonly string[]
  readonly originalHeader: readonly string[]
}

export async function readCopies(
  original: Buffer,
  accepted: readonly Acceptance[],
  mail: readonly SunkMail[],
): Promise<ReadCopy[]> {
  const before = await simpleParser(original)
  const copies = accepted.flatMap(({ entry, explains }) =>
    entry.copies.map((copy, i) => ({ entry, copy, explain: explains[i] })),
  )
  const sorted = mail.toSorted((a, b) => (a.rcptto < b.rcptto ? -1 : 1))
  return Promise.all(
    sorted.map(async ({ rcptto, bytes }) => {
      const found = copies.find(({ copy }) => copy.rcptto === rcptto)
      const after = await simpleParser(bytes)
      const context = {
        ...found?.entry.context.connection,
        ...found?.entry.context.message,
        ...found?.copy.context.message,
      }
      return {
        rcptto,
        settings: smtpapiSettings(context),
        explain: found?.explain?.(),
        bytes,
        copyHtml: after.html || '',
        originalHtml: before.html || '',
        copyHeader: headerLines(bytes),
        originalHeader: headerLines(original),
      }
    }),
  )
}

function smtpapiSettings(context: Readonly<Record<string, string | null>>): Record<string, string> {
  const names = Object.keys(context).filter((name) => /^smtpapi_|^mo_/.test(name))
  return Object.fromEntries(names.sort().map((name) => [name, context[name] ?? '']))
}

function headerLines(bytes: Buffer): string[] {
  return bytes
    .subarray(0, bytes.indexOf('\r\n\r\n'))
    .toString('latin1')
    .split(/\r\n(?![ \t])/)
}
