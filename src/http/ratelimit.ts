// How often one token may be used a minute. Only tokens that opened are counted, so nobody else can fill
// the table; it is forgotten every minute, and earlier when it grows.

/** Whether another hit of this token is over the limit; 0 is no limit. */
export type IsOverLimit = (token: string, hitsPerMinute: number) => boolean

const MAX_TOKENS = 100_000

export function makeRateLimit(nowSeconds: () => number): IsOverLimit {
  const hits = new Map<string, number>()
  let minute = 0
  return (token, hitsPerMinute) => {
    if (hitsPerMinute === 0) return false
    const now = Math.floor(nowSeconds() / 60)
    if (now !== minute || hits.size >= MAX_TOKENS) hits.clear()
    minute = now
    const count = (hits.get(token) ?? 0) + 1
    hits.set(token, count)
    return count > hitsPerMinute
  }
}
