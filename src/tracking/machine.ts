// Opens and clicks that nobody made: prefetching clients, scanners, and proxies that load images whether
// the mail is read or not. A hit is always an event; these are hints for who counts them, and the raw user
// agent stays beside them. Fields: `bot` ("true", or "likely" where people look the same) and
// `user_agent_parsed` with the names of SparkPost's object of that name.
import { isbot } from 'isbot'
import type { Facts } from './record.ts'

export interface Hit {
  readonly userAgent: string
  /** Values of Sec-Purpose, Purpose, X-Purpose and X-Moz: `prefetch` where a browser only looks ahead. */
  readonly purposes: readonly string[]
  /** Since the message was accepted; undefined if that is not known. */
  readonly ageSeconds: number | undefined
}

export function machineFacts({ userAgent, purposes, ageSeconds }: Hit): Facts {
  const isProxy = IMAGE_PROXY.test(userAgent)
  const isHinted = purposes.some((value) => /prefetch|prerender|preview/i.test(value))
  const isPrefetched = isHinted || userAgent === BARE
  const isMobile = /Mobi|Android|iPhone|iPad/.test(userAgent)
  const isTooFast = ageSeconds !== undefined && ageSeconds >= 0 && ageSeconds <= FAST_SECONDS
  const isLikely = userAgent === BARE || userAgent === '' || isTooFast
  // A mailbox provider's proxy loads images when somebody reads: to drop those would lose all its readers.
  const isBot = isHinted || (!isProxy && userAgent !== BARE && isbot(userAgent))
  return {
    bot: isBot ? 'true' : isLikely ? 'likely' : '',
    user_agent_parsed: `{"is_mobile":${isMobile},"is_proxy":${isProxy},"is_prefetched":${isPrefetched}}`,
  }
}

const IMAGE_PROXY = /GoogleImageProxy|ggpht\.com|YahooMailProxy/

/** All that the relays of Apple's Mail Privacy Protection say; some of Outlook's say no more either. */
const BARE = 'Mozilla/5.0'

/** People are slower than that, after the whole way through a queue. */
const FAST_SECONDS = 1
