// One POST to somebody else's web server. The host is resolved here and the connection made to the address
// that was looked at, so that no second answer of DNS can lead it elsewhere; addresses that are not public
// are refused unless that is allowed. Redirects are not followed: the answer is one of the caller's own.
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isReservedAddress } from '../config/reserved.ts'
import { withDeadline } from '../mail/deadline.ts'
import type { ResolveHost } from './address.ts'

export interface Posting {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Addresses of private and other reserved networks are fine. */
  readonly allowPrivate: boolean
  readonly resolve: ResolveHost
  /** For all of it: the name, the connection, the answer. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** The status of the answer. Rejects when there is none. */
export async function post(posting: Posting): Promise<number> {
  const { timeoutMs, signal } = posting
  return withDeadline(timeoutMs, signal, async (limit) => {
    try {
      const addresses = await orAborted(allowedAddresses(posting), limit)
      return await send(posting, addresses, limit)
    } catch (error) {
      if (signal.aborted) throw new Error('stopped', { cause: error })
      if (limit.aborted) throw new Error(`no answer within ${timeoutMs / 1000} s`, { cause: error })
      throw error
    }
  })
}

async function allowedAddresses({
  url,
  allowPrivate,
  resolve,
}: Posting): Promise<readonly string[]> {
  const all = await resolve(url.hostname)
  const allowed = allowPrivate ? all : all.filter((address) => !isReservedAddress(address))
  if (allowed.length > 0) return allowed
  const found = all[0] === url.hostname ? '' : ` (${all[0]})`
  throw new Error(`${url.hostname}${found} is no public address, see allow_private`)
}

function send(
  { url, headers, body }: Posting,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const found = addresses.map((address) => ({ address, family: isIP(address) }))
  const lookup: LookupFunction = (_host, { all }, callback) => {
    const [first] = found
    if (all) callback(null, found)
    else callback(null, first?.address ?? '', first?.family)
  }
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    let status: number | undefined
    // Whatever it says besides its status is of no use, but it may say it, for as long as there is time.
    const end = (error: Error): void => (status === undefined ? reject(error) : resolve(status))
    const sent = request(
      url,
      {
        method: 'POST',
        headers: { ...headers, 'Content-Length': body.length },
        lookup,
        agent: false,
        signal,
      },
      (response) => {
        status = response.statusCode ?? 0
        response.on('error', end)
        response.on('close', () => resolve(status ?? 0))
        response.resume()
      },
    )
    sent.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', end)
    sent.end(body)
  })
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
    promise.then(resolve, reject)
  })
}
