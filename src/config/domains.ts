// Lists of domains with globs on the left (Momentum manual, "conf.ref.relay_domains"): `*.example.com`
// matches what ends in `.example.com`, `*example.com` what ends in `example.com`. Case does not matter.

export type DomainList = (domain: string) => boolean

const DOMAIN = /^\*?[^* @\t\r\n]+$|^\*$/

/** Nothing if one of the patterns is none. */
export function readDomains(patterns: readonly string[]): DomainList | undefined {
  if (!patterns.every((pattern) => DOMAIN.test(pattern))) return undefined
  const lower = patterns.map((pattern) => pattern.toLowerCase())
  const exact = new Set(lower.filter((pattern) => !pattern.startsWith('*')))
  const endings = lower.filter((pattern) => pattern.startsWith('*')).map((glob) => glob.slice(1))
  return (domain) => {
    const name = domain.toLowerCase()
    return exact.has(name) || endings.some((ending) => name.endsWith(ending))
  }
}
