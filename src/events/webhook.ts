// Events for a web server, as Momentum's and SparkPost's webhooks send them: POSTs of a JSON array, any 2xx
// takes the batch, anything else (a redirect too) is tried again for up to 4 h (manual page
// "reporting_webhooks"). A batch without events goes first, so that a mistake shows at once.
import { createHmac, randomUUID } from 'node:crypto'
import type { WebhookOptions } from '../config/events.ts'
import type { ResolveHost } from './address.ts'
import { post } from './post.ts'
import type { Sink } from './sink.ts'
import type { SinkMeter } from './sinks.ts'

export interface WebhookSurroundings {
  readonly resolve: ResolveHost
  /** Who we are. */
  readonly userAgent: string
  /** For an answer; Momentum's 6 s if it is not given. */
  readonly timeoutMs?: number
  readonly meter?: SinkMeter | undefined
}

const TIMEOUT_MS = 6_000
const MAX_BYTES = 8 * 1024 * 1024
const TEST_BATCH = Buffer.from('[{"msys":{}}]')
const FOUR_HOURS_MS = 4 * 3600 * 1000

export function makeWebhook(options: WebhookOptions, surroundings: WebhookSurroundings): Sink {
  const { name, events, batchSize, batchSeconds } = options
  const send = async (id: string, body: Buffer, signal: AbortSignal): Promise<number> => {
    const url = new URL(options.url)
    const { resolve, userAgent, timeoutMs = TIMEOUT_MS, meter } = surroundings
    const headers = headersOf(options, id, body, userAgent)
    const { allowPrivate } = options
    let status: number | undefined
    try {
      status = await post({ url, headers, body, allowPrivate, resolve, timeoutMs, signal })
      return status
    } finally {
      meter?.webhookAnswered(name, status)
    }
  }
  return {
    name: `webhook ${name}`,
    limits: {
      events: batchSize,
      bytes: MAX_BYTES,
      waitMs: batchSeconds * 1000,
      firstDelayMs: 1_000,
      lastDelayMs: 600_000,
      giveUpMs: FOUR_HOURS_MS,
    },
    wants: (type) => events === undefined || events.has(type),
    async greet(signal) {
      const status = await send(randomUUID(), TEST_BATCH, signal).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        throw new Error(`the test batch failed: ${reason}`, { cause: error })
      })
      if (status !== 200) throw new Error(`the test batch was answered ${status}, not 200`)
    },
    async deliver({ id, events: records }, signal) {
      const status = await send(id, arrayOf(records), signal)
      if (status < 200 || status > 299) throw new Error(answerText(status))
    },
    close: () => Promise.resolve(),
  }
}

function headersOf(
  { authToken, hmacKey }: WebhookOptions,
  id: string,
  body: Buffer,
  userAgent: string,
): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'User-Agent': userAgent,
    'X-MessageSystems-Batch-ID': id,
    ...(authToken && { 'X-MessageSystems-Webhook-Token': authToken }),
    ...(hmacKey && {
      'X-Eachrcpt-Signature': `sha256=${createHmac('sha256', Buffer.from(hmacKey, 'latin1')).update(body).digest('hex')}`,
    }),
  }
}

/** They are JSON already. */
function arrayOf(records: readonly Buffer[]): Buffer {
  const [first, ...rest] = records
  const items = rest.flatMap((record) => [COMMA, record])
  return Buffer.concat([Buffer.from('['), ...(first ? [first] : []), ...items, Buffer.from(']')])
}

const COMMA = Buffer.from(',')

function answerText(status: number): string {
  const isRedirect = status >= 300 && status < 400
  return `answered ${status}${isRedirect ? ': redirects are not followed' : ''}`
}
