// The arguments of `eachrcpt run`.
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { fromText } from '../mail/bytes.ts'

export interface RunArguments {
  readonly scripts: readonly string[]
  /** A file, or `-`. */
  readonly message: string
  readonly config: string | undefined
  readonly lenient: boolean
  /** Undefined: those of the message's header. */
  readonly from: string | undefined
  readonly rcpttos: readonly string[]
  readonly ip: string | undefined
  readonly helo: string
  readonly listen: string | undefined
  readonly authUser: string | undefined
  readonly tls: boolean
  readonly context: Readonly<Record<string, string>>
  readonly messageContext: Readonly<Record<string, string>>
  readonly fixtures: string | undefined
  /** Epoch milliseconds. */
  readonly atMs: number | undefined
  readonly emlOut: string | undefined
  readonly output: 'text' | 'json' | 'html'
  readonly trace: boolean
  readonly raw: boolean
  readonly quiet: boolean
}

export const RUN_USAGE = `usage: eachrcpt run [POLICY…] --message FILE [options]

One mail through every phase, without a server: nothing is listened on,
stored or sent. Shows for each recipient what policy and tracking made of it.
Clock, ids and random numbers are frozen: the same input, the same output.

  POLICY…                 Lua scripts in the order of their callouts, in place
                          of those of the configuration
  --message FILE          the mail; - reads standard input
  --config FILE           an ecelerity.conf; without one anybody may relay and
                          everything is tracked
  --lenient               unknown options are warned about
  --from ADDRESS          envelope sender; '' is the null sender
  --rcpt ADDRESS          a recipient; give it as often as there are some.
                          Without --from, --rcpt: as From and To say
  --ip ADDRESS            the client's address (127.0.0.1)
  --helo NAME             what it calls itself (client.example)
  --listen HOST:PORT      the Listen that it comes to (the first one)
  --auth-user NAME        it is logged in as NAME
  --tls                   it uses TLS
  --context NAME=VALUE    a connection variable, as if configured
  --mess-context NAME=VALUE  a message variable, there before policy looks
  --fixtures FILE         what DNS, HTTP and databases answer (JSON)
  --at TIME               what time it is, such as 2026-01-01T00:00:00Z

  --trace                 what each callout did, and how long it took
  --raw                   differences octet for octet, too
  --quiet                 only what became of each recipient
  --json, --html          the result for programs, or as a page
  --eml-out DIR           writes what would be relayed, a file a recipient

Exit codes: 0 played, whatever the verdict; 1 a callout failed; 2 usage;
65 bad fixtures; 66 no such file; 73 cannot write; 78 configuration, policy.
`

const OPTIONS = {
  message: { type: 'string' },
  config: { type: 'string' },
  lenient: { type: 'boolean' },
  from: { type: 'string' },
  rcpt: { type: 'string', multiple: true },
  ip: { type: 'string' },
  helo: { type: 'string' },
  listen: { type: 'string' },
  'auth-user': { type: 'string' },
  tls: { type: 'boolean' },
  context: { type: 'string', multiple: true },
  'mess-context': { type: 'string', multiple: true },
  fixtures: { type: 'string' },
  at: { type: 'string' },
  trace: { type: 'boolean' },
  raw: { type: 'boolean' },
  quiet: { type: 'boolean' },
  json: { type: 'boolean' },
  html: { type: 'boolean' },
  'eml-out': { type: 'string' },
} as const

/** A text: what is wrong. */
export function readRunArguments(args: readonly string[]): RunArguments | string {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return error instanceof Error ? error.message.replace(/\. To specify.*/s, '') : String(error)
  }
  const { values, positionals } = parsed
  if (values.message === undefined) return '--message FILE is missing'
  if (values.json && values.html) return '--json and --html exclude each other'
  const context = readPairs('--context', values.context)
  if (typeof context === 'string') return context
  const messageContext = readPairs('--mess-context', values['mess-context'])
  if (typeof messageContext === 'string') return messageContext
  if (values.ip !== undefined && !isIP(values.ip)) return `--ip: "${values.ip}" is no address`
  const atMs = values.at === undefined ? undefined : Date.parse(values.at)
  if (Number.isNaN(atMs)) return `--at: "${values.at}" is no time; expected 2026-01-01T00:00:00Z`
  return {
    scripts: positionals,
    message: values.message,
    config: values.config,
    lenient: values.lenient ?? false,
    from: bytesOf(values.from),
    rcpttos: (values.rcpt ?? []).map(fromText),
    ip: values.ip,
    helo: fromText(values.helo ?? 'client.example'),
    listen: values.listen,
    authUser: bytesOf(values['auth-user']),
    tls: values.tls ?? false,
    context,
    messageContext,
    fixtures: values.fixtures,
    atMs,
    emlOut: values['eml-out'],
    output: values.json ? 'json' : values.html ? 'html' : 'text',
    trace: values.trace ?? false,
    raw: values.raw ?? false,
    quiet: values.quiet ?? false,
  }
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
}

function bytesOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : fromText(text)
}

function readPairs(
  option: string,
  given: readonly string[] = [],
): Readonly<Record<string, string>> | string {
  const pairs: (readonly [string, string])[] = []
  for (const pair of given) {
    const equals = pair.indexOf('=')
    if (equals <= 0) return `${option}: expected NAME=VALUE, found "${pair}"`
    pairs.push([fromText(pair.slice(0, equals)), fromText(pair.slice(equals + 1))])
  }
  return Object.fromEntries(pairs)
}
