// Macros about a message: `%{rfc2822:message}`, `headers`, `body`, each with `,n` for so many lines or
// `,nb` for so many octets (Momentum: "sieve-ecaddons").
import type { Context } from '../mail/context.ts'
import type { Message } from '../mail/message.ts'

/** What macros are expanded from. */
export interface MacroFacts {
  readonly context: Context
  /** The client's address; undefined where there is no connection. */
  readonly remoteAddress?: string | undefined
  readonly message?: Message | undefined
  /** The client's name that leads back to its address (RFC 7208 §5.5); undefined: nobody looked. */
  readonly validatedName?: string | undefined
  /** Ours. */
  readonly hostname?: string | undefined
  /** Epoch milliseconds. */
  readonly nowMs: number
}

/** Undefined for what is no macro or has no message to read. Ends with CRLF unless cut by octets. */
export function messageMacro(body: string, { message }: MacroFacts): string | undefined {
  const [, name = '', count, unit] = /^(message|headers|body)(?:,(\d+)(b?))?$/.exec(body) ?? []
  if (name === '' || !message) return undefined
  const header = message.fields.map(({ bytes }) => bytes)
  const parts = {
    headers: header,
    body: [message.body],
    message: [...header, message.separator, message.body],
  }
  const text = Buffer.concat(parts[name as keyof typeof parts]).toString('latin1')
  if (count === undefined) return ended(text)
  return unit ? text.slice(0, Number(count)) : ended(firstLines(text, Number(count)))
}

function firstLines(text: string, count: number): string {
  let end = 0
  for (let line = 0; line < count && end < text.length; line++) {
    const next = text.indexOf('\n', end)
    end = next < 0 ? text.length : next + 1
  }
  return text.slice(0, end)
}

function ended(text: string): string {
  return text.endsWith('\r\n') ? text : `${text}\r\n`
}
