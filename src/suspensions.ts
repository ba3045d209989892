// Domains and bindings to which an operator has suspended delivery while the server runs: what `suspend_delivery`
// says in the configuration, without a reload, and remembered over restarts in a file below spoolbase. A domain
// with its subdomains is written `.example.com`.
import { open, readFile, rename } from 'node:fs/promises'
import { lowerCase } from './mail/bytes.ts'
import type { Egress } from './mail/envelope.ts'
import type { RelayConfig } from './relay/worker.ts'

export type SuspensionKind = (typeof SUSPENSION_KINDS)[number]
export const SUSPENSION_KINDS = ['domain', 'binding'] as const

export interface Suspension {
  readonly kind: SuspensionKind
  /** Of a domain in lower case. */
  readonly name: string
}

export interface Suspensions {
  list(): readonly Suspension[]
  /** Both resolve when it is remembered; false: it was so before. */
  suspend(suspension: Suspension): Promise<boolean>
  resume(suspension: Suspension): Promise<boolean>
  /** The configuration, in which delivery is suspended wherever it is. */
  apply(config: RelayConfig): RelayConfig
  /** Who is told when something has changed. */
  watch(onChange: () => void): void
}

/** `from`: what holds at the start stands there. Rejects when that file is there and cannot be read. */
export async function openSuspensions(path: string, from = path): Promise<Suspensions> {
  const known = new Map((await read(from)).map((each) => [keyOf(each), each]))
  let changed = (): void => {}
  let writing: Promise<void> = Promise.resolve()
  const holds = (domain: string, binding: string): boolean =>
    known.size > 0 &&
    (known.has(keyOf({ kind: 'binding', name: binding })) ||
      namesOf(lowerCase(domain)).some((name) => known.has(keyOf({ kind: 'domain', name }))))
  const change = async (isChange: boolean, apply: () => void): Promise<boolean> => {
    if (!isChange) return false
    apply()
    writing = writing.catch(() => undefined).then(() => write(path, [...known.values()]))
    changed()
    await writing
    return true
  }
  return {
    list: () => [...known.values()],
    suspend: (given) => {
      const each = normal(given)
      return change(!known.has(keyOf(each)), () => known.set(keyOf(each), each))
    },
    resume: (given) => {
      const key = keyOf(normal(given))
      return change(known.has(key), () => known.delete(key))
    },
    apply: ({ hostname, dnsServers, outbound }) => ({
      hostname,
      ...(dnsServers && { dnsServers }),
      outbound(domain, egress?: Egress) {
        const options = outbound(domain, egress)
        const isHeld = holds(domain, egress?.binding ?? 'default')
        return isHeld ? { ...options, suspendDelivery: true } : options
      },
    }),
    watch: (onChange) => void (changed = onChange),
  }
}

function normal({ kind, name }: Suspension): Suspension {
  return { kind, name: kind === 'domain' ? lowerCase(name) : name }
}

function keyOf({ kind, name }: Suspension): string {
  return `${kind} ${name}`
}

/** What a domain can be suspended as: itself, or one that it belongs to. */
function namesOf(domain: string): string[] {
  const labels = domain.split('.')
  return [domain, ...labels.map((_, i) => `.${labels.slice(i).join('.')}`)]
}

async function read(path: string): Promise<Suspension[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return text.split('\n').flatMap((line): Suspension[] => {
    const [, word, name] = /^(\S+) (.+)$/.exec(line) ?? []
    const kind = SUSPENSION_KINDS.find((each) => each === word)
    return kind && name ? [{ kind, name }] : []
  })
}

async function write(path: string, all: readonly Suspension[]): Promise<void> {
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.writeFile(all.map((each) => `${keyOf(each)}\n`).join(''))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.new`, path)
}
