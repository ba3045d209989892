// A lock in Redis (5 and later), for one holder at a time: it has a lease, and who waits stands in a line. A lock
// that is given back goes to the first in line, who has a moment to ask for it; one whose lease ran out goes to
// the first who is there. Each taking has a fencing number: the server's clock in milliseconds, or one more than the last, so
// that it grows also after the data of the server were lost.
import type { Link } from './link.ts'

export interface LockPlace {
  readonly link: Pick<Link, 'call'>
  /** Of all keys of the lock, which a Cluster must keep together. */
  readonly prefix: string
  readonly name: string
  /** Of this taking; no two are alike. */
  readonly owner: string
}

/** Its fencing number when it is ours; undefined: ask again, somebody else has it. Rejects as the link does. */
export async function askForLock(place: LockPlace, leaseMs: number): Promise<number | undefined> {
  const answer = await run(place, ASK, leaseMs, CLAIM_MS)
  return typeof answer === 'number' && answer > 0 ? answer : undefined
}

/** Another lease; false: another one has or had it meanwhile. */
export async function renewLock(
  place: LockPlace,
  fence: number,
  leaseMs: number,
): Promise<boolean> {
  return (await run(place, RENEW, leaseMs, fence)) === 1
}

/** Leaves the lock or its line; false: it was not ours any more. */
export async function releaseLock(place: LockPlace, fence: number): Promise<boolean> {
  return (await run(place, RELEASE, CLAIM_MS, fence)) === 1
}

/** The time that one has to ask for what it was given. */
const CLAIM_MS = 1_000

/** How long the last number of a lock is remembered, after which the clock has gone beyond it. */
const FENCE_MS = 86_400_000

const START = `
local lock, line, fences, me = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function give(to, forMs)
  local last = tonumber(redis.call('GET', fences) or 0)
  redis.call('SET', fences, string.format('%.0f', math.max(now, last + 1)), 'PX', ${FENCE_MS})
  redis.call('SET', lock, to, 'PX', forMs)
end
local function isUntouched(fence)
  return tonumber(redis.call('GET', fences) or 0) <= tonumber(fence)
end
`

/** A server that is full takes what a script writes which has removed something: a few octets, and soon gone. */
const ASK = `${START}
redis.call('ZREM', line, '')
local holder = redis.call('GET', lock)
if not holder then
  holder = redis.call('ZPOPMIN', line)[1] or me
  give(holder, ARGV[3])
end
if holder == me then
  redis.call('ZREM', line, me)
  redis.call('PEXPIRE', lock, ARGV[2])
  return tonumber(redis.call('GET', fences))
end
if redis.call('ZADD', line, 'NX', now, me) == 1 then redis.call('PEXPIRE', line, ${FENCE_MS}) end
return 0`

/** Also where the server has lost it, if nobody had it since. */
const RENEW = `${START}
local holder = redis.call('GET', lock)
if holder == me then redis.call('PEXPIRE', lock, ARGV[2]) return 1 end
if holder or not isUntouched(ARGV[3]) then return 0 end
redis.call('SET', fences, ARGV[3], 'PX', ${FENCE_MS})
redis.call('SET', lock, me, 'PX', ARGV[2])
return 1`

const RELEASE = `${START}
redis.call('ZREM', line, me)
local holder = redis.call('GET', lock)
if holder ~= me then return (not holder and isUntouched(ARGV[3])) and 1 or 0 end
redis.call('DEL', lock)
local first = redis.call('ZPOPMIN', line)[1]
if first then give(first, ARGV[2]) end
return 1`

function run(
  { link, prefix, name, owner }: LockPlace,
  script: string,
  ...args: readonly number[]
): Promise<unknown> {
  // Braces say what a Cluster looks at.
  const plain = name.replaceAll(/[{}%]/g, (brace) => encodeURIComponent(brace))
  const key = `${prefix}{lock:${plain}}`
  return link.call('EVAL', script, 3, key, `${key}:line`, `${key}:fence`, owner, ...args)
}
