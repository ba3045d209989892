// Console commands about domains: active, delayed, domain all, and the same by one binding (manual pages
// "console_commands.active", "binding_active", "domain_all").
import {
  allDomains,
  type DomainList,
  domainList,
  type DomainSources,
  longerThan,
} from './domainlist.ts'
import type { Answer } from './http/control.ts'
import { toText } from './mail/bytes.ts'
import type { Bindings } from './config/bindings.ts'

export interface DomainConsole extends DomainSources {
  readonly config: { readonly bindings: Pick<Bindings, 'names'> }
}

export const DOMAIN_HELP = [
  'active|delayed THRESHOLD',
  'binding active|delayed BINDING THRESHOLD',
  'domain all; domains',
]

/** Undefined: no command of these. */
export async function domainCommand(
  sources: DomainConsole,
  argv: readonly string[],
  nowMs: number,
): Promise<Answer | undefined> {
  const request = listRequest(argv)
  if (!request) return undefined
  if (typeof request === 'string') return { isOk: false, text: `${request}\n` }
  const { binding } = request
  const list = await domainList(sources, nowMs, binding)
  const names = sources.config.bindings.names.map(toText)
  const isKnown = binding === undefined || list.domains.length > 0 || names.includes(binding)
  return isKnown ? listAnswer(request, list) : noBinding(binding)
}

export function noBinding(name: string): Answer {
  return { isOk: false, text: `no binding is called ${name}\n` }
}

/** A list of domains: all of them, or those with a long queue. */
export interface ListRequest {
  /** Undefined: by all of them. */
  readonly binding?: string
  readonly queue?: 'active' | 'delayed'
  readonly threshold: number
}

/** A text: how the command is used. Undefined: it asks for something else. */
export function listRequest(argv: readonly string[]): ListRequest | string | undefined {
  const line = argv.join(' ')
  if (line === 'domain all' || line === 'domains') return { threshold: 0 }
  const isOfBinding = argv[0] === 'binding'
  const [queue, ...words] = isOfBinding ? argv.slice(1) : argv
  if (queue !== 'active' && queue !== 'delayed') return undefined
  const binding = isOfBinding ? words.shift() : undefined
  const [threshold = '', ...more] = words
  // Less than 0: all domains there are.
  if (!/^-?\d+$/.test(threshold) || more.length > 0) {
    const usage = isOfBinding ? `binding ${queue} BINDING THRESHOLD` : `${queue} THRESHOLD`
    return `usage: ${usage} (what is in a queue: showqueue DOMAIN)`
  }
  return { ...(binding !== undefined && { binding }), queue, threshold: Number(threshold) }
}

export function listAnswer({ queue, threshold }: ListRequest, list: DomainList): Answer {
  return queue ? longerThan(list, queue, threshold) : allDomains(list)
}
