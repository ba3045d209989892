// HTTP for policy. The host is resolved here and the connection made to the address that was looked at, so
// that no second answer of DNS leads it elsewhere; addresses that are not public are refused unless the
// configuration allows them, at every redirect anew. Answers are bounded in time and size.
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { type Cidr, holds, readAddress } from '../config/cidr.ts'
import { isReservedAddress } from '../config/reserved.ts'
import { fromBytes, toBytes } from '../mail/bytes.ts'
import { withDeadline } from '../mail/deadline.ts'
import type { HttpAnswer, HttpClient, HttpRequest, Resolver } from './outside.ts'
import { isUrl } from '../mail/url.ts'

export interface HttpOptions {
  readonly resolver: Resolver
  /** Reserved addresses that are fine all the same. */
  readonly allowed: readonly Cidr[]
}

/** Why there is no answer, as libcurl numbers it. */
const CODES = {
  scheme: 1,
  malformed: 3,
  resolve: 6,
  connect: 7,
  timeout: 28,
  argument: 43,
  redirects: 47,
  tls: 60,
  receive: 56,
  size: 63,
}

class Failure extends Error {
  readonly code: number

  constructor(code: number, text: string) {
    super(text)
    this.code = code
  }
}

export function makeHttpClient(options: HttpOptions): HttpClient {
  return {
    send: (request, signal) =>
      withDeadline(request.timeoutMs, signal, async (limit) => {
        try {
          return await follow(options, request, limit)
        } catch (error) {
          if (error instanceof Failure) return failed(error.code, error.message)
          if (limit.aborted)
            return failed(CODES.timeout, `no answer within ${request.timeoutMs} ms`)
          return failed(codeOf(error), error instanceof Error ? error.message : String(error))
        }
      }),
  }
}

async function follow(
  options: HttpOptions,
  first: HttpRequest,
  limit: AbortSignal,
): Promise<HttpAnswer> {
  let request = first
  for (let left = first.maxRedirects ?? 0; ; left--) {
    const url = readUrl(request.url)
    const addresses = await aborted(allowedAddresses(options, url.hostname), limit)
    const response = await open(request, url, addresses, limit)
    const next = (first.maxRedirects ?? 0) > 0 ? redirect(request, url, response) : undefined
    if (!next) return answerOf(response, url, first.maxBytes)
    response.destroy()
    if (left <= 0) throw new Failure(CODES.redirects, 'too many redirects')
    request = next
  }
}

function readUrl(text: string): URL {
  if (!isUrl(text)) throw new Failure(CODES.malformed, `not a URL: ${text}`)
  const url = new URL(text)
  if (url.protocol === 'http:' || url.protocol === 'https:') return url
  throw new Failure(CODES.scheme, `not http or https: ${url.protocol}`)
}

/** IPv4 first. */
async function allowedAddresses(
  { resolver, allowed }: HttpOptions,
  hostname: string,
): Promise<readonly string[]> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  const all = await addressesOf(resolver, host)
  const fine = all.filter((address) => !isReservedAddress(address) || isWithin(allowed, address))
  if (fine.length > 0) return fine
  const found = all[0] === host ? '' : ` (${all.join(', ')})`
  throw new Failure(CODES.connect, `${host}${found} is no public address, see http_allow`)
}

async function addressesOf(resolver: Resolver, host: string): Promise<readonly string[]> {
  if (isIP(host)) return [host]
  // RFC 6761: DNS is not asked for it.
  if (/(?:^|\.)localhost$/i.test(host)) return ['127.0.0.1', '::1']
  const answers = await Promise.all(
    (['A', 'AAAA'] as const).map(async (type) => resolver.ask({ name: host, type })),
  )
  const addresses = answers.flatMap((answer) => (answer.kind === 'found' ? answer.records : []))
  if (addresses.length > 0) return addresses
  const [failure] = answers.flatMap((answer) => (answer.kind === 'found' ? [] : [answer.text]))
  throw new Failure(CODES.resolve, `${host} has no address: ${failure}`)
}

function isWithin(blocks: readonly Cidr[], text: string): boolean {
  const address = readAddress(text)
  return address !== undefined && blocks.some((block) => holds(block, address))
}

/** The answer's head. */
function open(
  { method, headerLines, body }: HttpRequest,
  url: URL,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  const lookup: LookupFunction = (_host, { all }, callback) => {
    const [first] = found
    if (all) callback(null, found)
    else callback(null, first?.address ?? '', first?.family)
  }
  const octets = body === undefined ? undefined : toBytes(body)
  const headers = headersOf(headerLines, octets)
  const start = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    // A new connection each: one that is kept would go on to an address that was not looked at.
    const sent = start(url, { method, headers, lookup, agent: false, signal }, resolve)
    sent.on('error', reject)
    sent.end(octets)
  })
}

/** How long the message is and how it ends is ours to say. */
function headersOf(lines: readonly string[], body: Buffer | undefined): Record<string, string[]> {
  const headers: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  for (const line of lines) {
    const [, name, value = ''] = /^([!#$%&'*+\-.^_`|~\w]+):([^\r\n\0]*)$/.exec(line) ?? []
    if (name === undefined) throw new Failure(CODES.argument, `not a header line: ${line}`)
    if (/^(?:content-length|transfer-encoding|connection)$/i.test(name)) continue
    const key = name.toLowerCase()
    headers[key] = [...(headers[key] ?? []), value.trim()]
  }
  headers['connection'] = ['close']
  if (body) headers['content-length'] = [String(body.length)]
  return headers
}

function redirect(
  request: HttpRequest,
  url: URL,
  { statusCode = 0, headers: { location } }: IncomingMessage,
): HttpRequest | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || location === undefined) return undefined
  if (!isUrl(location, url.href)) throw new Failure(CODES.malformed, 'redirect to what is no URL')
  const next = new URL(location, url)
  const keepsMethod = statusCode >= 307 || request.method === 'GET' || request.method === 'HEAD'
  // What proves who we are is for the origin that it was given to.
  const lines = request.headerLines.filter(
    (line) => next.origin === url.origin || !/^(?:authorization|cookie|host):/i.test(line),
  )
  const { body: _, ...bare } = request
  return keepsMethod
    ? { ...request, url: next.href, headerLines: lines }
    : { ...bare, method: 'GET', url: next.href, headerLines: lines }
}

async function answerOf(
  response: IncomingMessage,
  url: URL,
  maxBytes: number,
): Promise<HttpAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) {
      response.destroy()
      throw new Failure(CODES.size, `the answer is longer than ${maxBytes} octets`)
    }
    chunks.push(chunk)
  }
  const { rawHeaders } = response
  const headerLines: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    headerLines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`)
  }
  return {
    kind: 'answered',
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headerLines,
    body: fromBytes(Buffer.concat(chunks)),
    url: url.href,
  }
}

function aborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
    promise.then(resolve, reject)
  })
}

function failed(code: number, text: string): HttpAnswer {
  return { kind: 'failed', code, text }
}

function codeOf(error: unknown): number {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (/^(?:CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) return CODES.tls
  if (/^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$/.test(code)) return CODES.connect
  return code === 'ERR_INVALID_CHAR' ? CODES.argument : CODES.receive
}
