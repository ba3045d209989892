// Console commands about domains: active, delayed, domain all, domain, and the same by one binding (manual pages
// "console_commands.active", "binding_active", "domain", "domain_all"; `binding domain` is ours).
import {
  allDomains,
  type DomainList,
  domainList,
  type DomainSources,
  longerThan,
} from './domainlist.ts'
import { domainFacts } from './domainfacts.ts'
import { domainAnswer } from './domaintext.ts'
import type { Answer } from '../http/control.ts'
import { toText } from '../mail/bytes.ts'
import { noBinding } from './binding.ts'
import type { Bindings } from '../config/bindings.ts'

export interface DomainConsole extends DomainSources {
  readonly config: { readonly bindings: Pick<Bindings, 'names'> }
}

export const DOMAIN_HELP = [
  'active|delayed THRESHOLD',
  'binding active|delayed BINDING THRESHOLD',
  'domain DOMAIN|all; domains',
  'binding domain BINDING DOMAIN',
]

/** Undefined: no command of these. */
export async function domainCommand(
  sources: DomainConsole,
  argv: readonly string[],
  nowMs: number,
): Promise<Answer | undefined> {
  const request = listRequest(argv) ?? domainRequest(argv)
  if (!request) return undefined
  if (typeof request === 'string') return { isOk: false, text: `${request}\n` }
  const { binding } = request
  if ('domain' in request) {
    const facts = await domainFacts(sources, nowMs, request.domain, binding)
    const by = binding === undefined ? '' : ` by ${binding}`
    const unknown = `nothing is known of ${request.domain}${by}\n`
    return facts ? domainAnswer(facts) : { isOk: false, text: unknown }
  }
  const list = await domainList(sources, nowMs, binding)
  const names = sources.config.bindings.names.map(toText)
  const isKnown = binding === undefined || list.domains.length > 0 || names.includes(binding)
  return isKnown ? listAnswer(request, list) : noBinding(binding)
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

/** Facts about one domain. */
export interface DomainRequest {
  readonly domain: string
  /** Undefined: by all of them. */
  readonly binding?: string
}

/** The same; `domain all` is a list. */
export function domainRequest(argv: readonly string[]): DomainRequest | string | undefined {
  const [first, second, binding, domain] = argv
  if (first === 'binding' && second === 'domain') {
    const isWhole = binding !== undefined && domain !== undefined && argv.length === 4
    return isWhole ? { binding, domain } : 'usage: binding domain BINDING DOMAIN'
  }
  if (first !== 'domain') return undefined
  return second !== undefined && argv.length === 2 ? { domain: second } : 'usage: domain DOMAIN|all'
}

export function listAnswer({ queue, threshold }: ListRequest, list: DomainList): Answer {
  return queue ? longerThan(list, queue, threshold) : allDomains(list)
}
