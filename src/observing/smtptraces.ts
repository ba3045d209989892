// What is said to next hops, written down as it is said for as long as an operator asks for it (Momentum manual page
// "console_commands.trace_smtp"): by binding and domain, each tracer to a file of its own. Secrets and octets of
// messages are not in it.
import { printable } from '../events/lines.ts'
import { type LogFile, openLogFile } from '../events/logfile.ts'
import { DEFAULT_EGRESS } from '../mail/envelope.ts'
import type { Tap } from '../relay/channel.ts'
import type { Listen } from '../relay/pool.ts'

/** Byte strings; `*`: any. */
export interface SmtpTraceChoice {
  readonly binding: string
  readonly domain: string
  readonly path: string
}

export interface SmtpTrace extends SmtpTraceChoice {
  readonly id: number
}

export interface SmtpTraces {
  /** Its id. Rejects when the file cannot be had. */
  add(choice: SmtpTraceChoice): Promise<number>
  list(): readonly SmtpTrace[]
  /** False: there is none of that id. */
  remove(id: number): Promise<boolean>
  readonly listen: Listen
  /** Go on in new files of the same names. */
  reopen(): Promise<void>
  close(): Promise<void>
}

export interface SmtpTracesOptions {
  readonly mode: number
  now(): number
  /** Tells the operator. */
  warn(text: string): void
}

const MARKS: Readonly<Record<Parameters<Tap>[0], string>> = { us: '>', them: '<', end: '-' }
/** Characters of a line that are shown. */
const MOST_SHOWN = 1_000

export function makeSmtpTraces({ mode, now, warn }: SmtpTracesOptions): SmtpTraces {
  const running = new Map<number, SmtpTrace & { readonly file: LogFile }>()
  let last = 0
  const each = async (task: (file: LogFile) => Promise<void>): Promise<void> => {
    await Promise.all([...running.values()].map(({ file }) => task(file)))
  }
  return {
    async add({ binding, domain, path }) {
      const onLost = (lines: number): void =>
        warn(`${lines} lines of a trace were lost: ${path} is not writable`)
      const file = await openLogFile({ path, mode, onLost })
      const id = ++last
      running.set(id, { id, binding, domain, path, file })
      return id
    },
    list: () =>
      [...running.values()].map(({ id, binding, domain, path }) => ({ id, binding, domain, path })),
    async remove(id) {
      const found = running.get(id)
      running.delete(id)
      await found?.file.close()
      return found !== undefined
    },
    listen({ routingDomain: domain, egress = DEFAULT_EGRESS }, { id, address, port }) {
      if (running.size === 0) return undefined
      const wanted = [...running.values()].filter(
        (trace) => isFor(trace.domain, domain) && isFor(trace.binding, egress.binding),
      )
      if (wanted.length === 0) return undefined
      const where = `${id} ${domain} ${address}:${port}`
      return (who, text) => {
        const time = new Date(now()).toISOString()
        for (const line of text.replace(/\r?\n$/, '').split(/\r?\n/))
          for (const { file } of wanted) file.write(`${time} ${where} ${MARKS[who]} ${shown(line)}`)
      }
    },
    reopen: () => each(({ reopen }) => reopen()),
    async close() {
      await each(({ close }) => close())
      running.clear()
    },
  }
}

function isFor(wanted: string, name: string): boolean {
  return wanted === '*' || wanted === name
}

function shown(line: string): string {
  return printable(line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN)}...` : line)
}
