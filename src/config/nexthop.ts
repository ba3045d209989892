// Where mail comes in and goes out: listen addresses, gateways and routes (Momentum manual, "listeners",
// "conf.ref.gateway", "conf.ref.routes"). IPv6 addresses stand in brackets here.
import { isIPv6 } from 'node:net'

export interface HostPort {
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
}

/** As written; the port may be left to another option. */
export interface Target {
  readonly host: string
  readonly port: number | undefined
}

/** Lower preference first; equal ones share the load. */
export type Route =
  | { readonly kind: 'mx'; readonly pref: number }
  | (HostPort & { readonly kind: 'host'; readonly pref: number; readonly lookup: 'a' | 'mx' })

/** A route as written: what it leaves open comes from its place in the list and other options. */
export type RouteTarget =
  | { readonly kind: 'mx'; readonly pref: number | undefined }
  | (Target & {
      readonly kind: 'host'
      readonly pref: number | undefined
      readonly lookup: 'a' | 'mx'
    })

const HOST = /^[\w.-]+$/
const MAX_PORT = 65_535

/** `host`, `host:port`, `[v6]`, `[v6]:port`. */
export function readTarget(text: string): Target | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2] ?? ''
  const isValidHost = match?.[1] === undefined ? HOST.test(host) : isIPv6(host)
  const port = match?.[3] === undefined ? undefined : Number(match[3])
  return isValidHost && (port ?? 1) > 0 && (port ?? 1) <= MAX_PORT ? { host, port } : undefined
}

/** A listen address; `*` and nothing mean every IPv4 address, `[*]` every IPv6 one; port 0 any free port. */
export function readListen(text: string, defaultPort: number): HostPort | undefined {
  const [, host, digits] = /^(\[[^[\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(text) ?? []
  const port = digits === undefined ? defaultPort : Number(digits)
  if (host === undefined || text === '' || port > MAX_PORT) return undefined
  if (host === '' || host === '*') return { host: '0.0.0.0', port }
  if (host === '[*]') return { host: '::', port }
  const target = readTarget(host)
  return target && { host: target.host, port }
}

/** A host, `__mx__`, or `smtp://host?pref=P&ttl=T&port=O&type=mx|a`; the time to live is not used. */
export function readRoute(text: string): RouteTarget | undefined {
  if (text.toLowerCase() === '__mx__') return { kind: 'mx', pref: undefined }
  const url = /^smtp:\/\/([^?/]*)\/?(?:\?(.*))?$/is.exec(text)
  const target = readTarget(url ? url[1]! : text)
  if (!target) return undefined
  const query = new Map((url?.[2] ?? '').split('&').map(readParameter))
  const lookup = query.get('type') ?? 'a'
  const pref = query.get('pref')
  const port = query.get('port')
  if (lookup !== 'a' && lookup !== 'mx') return undefined
  if (![pref, port].every((digits) => digits === undefined || /^\d{1,5}$/.test(digits))) {
    return undefined
  }
  if (port !== undefined && (Number(port) === 0 || Number(port) > MAX_PORT)) return undefined
  return {
    kind: 'host',
    host: target.host,
    port: port === undefined ? target.port : Number(port),
    pref: pref === undefined ? undefined : Number(pref),
    lookup,
  }
}

/** Fills in what the routes leave open: each follows the one before it, on `defaultPort`. */
export function completeRoutes(targets: readonly RouteTarget[], defaultPort: number): Route[] {
  let next = 0
  return targets.map((target) => {
    const pref = target.pref ?? next
    next = pref + 1
    if (target.kind === 'mx') return { kind: 'mx', pref }
    return { ...target, port: target.port ?? defaultPort, pref }
  })
}

function readParameter(parameter: string): [string, string] {
  const [name = '', value = ''] = parameter.split('=')
  return [name.toLowerCase(), value.toLowerCase()]
}
