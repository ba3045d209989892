// Who signs mail by configuration: the stanzas opendkim and dkim_sign, with what holds for each domain.
import { existsSync } from 'node:fs'
import type { Resolved, Warn } from './schema/option.ts'
import { SIGNING, SIGNING_DOMAINS, SIGNING_ENABLED, SIGNING_MODULES } from './schema/signing.ts'
import { resolveTable, stanzasOf, type Stanza, valueOf } from './stanza.ts'

export interface Signer {
  readonly module: (typeof SIGNING_MODULES)[number]
  /** What holds for mail of that domain, in lower case; without a selector: it is not signed. */
  ruleFor(domain: string): SigningRule
}

export type SigningRule = Resolved<typeof SIGNING>

/** Warns of domains whose key is not there. */
export function signersOf(
  modulesOf: (kind: string) => readonly Stanza[],
  warn: Warn,
): readonly Signer[] {
  return SIGNING_MODULES.flatMap((module) => {
    const stanzas = modulesOf(module)
    if (stanzas.length === 0 || !valueOf(SIGNING_ENABLED, stanzas)) return []
    const common = resolveTable(SIGNING, stanzas)
    const rules = new Map<string, SigningRule>()
    const domains = stanzas.flatMap((stanza) =>
      SIGNING_DOMAINS.flatMap((kind) => stanzasOf(stanza, kind)),
    )
    for (const { instance } of domains) {
      const name = instance.toLowerCase()
      const own = domains.filter((domain) => domain.instance.toLowerCase() === name)
      rules.set(name, resolveTable(SIGNING, [...own, ...stanzas]))
    }
    for (const { instance, place } of domains) {
      const path = keyPath(rules.get(instance.toLowerCase()) ?? common, instance.toLowerCase())
      if (path === undefined || existsSync(path)) continue
      warn(place, `there is no key "${path}": mail of ${instance} goes out unsigned`)
    }
    return [{ module, ruleFor: (domain) => rules.get(domain) ?? common }]
  })
}

/** Where the key is; undefined: no selector or no file is named. `domain`: the author's. */
export function keyPath(
  { key, selector, baseDomain }: SigningRule,
  domain: string,
): string | undefined {
  if (key === undefined || selector === undefined) return undefined
  const signing = (baseDomain ?? domain).toLowerCase()
  return key.replace(/%\{([ds])\}/g, (_, letter) => (letter === 'd' ? signing : selector))
}
