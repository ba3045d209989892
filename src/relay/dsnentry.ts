// A delivery status notification as a spool entry: from the null sender, to the sender of what failed.
import { splitAddress } from '../mail/address.ts'
import { lowerCase, toText } from '../mail/bytes.ts'
import type { Ids } from '../mail/ids.ts'
import type { Entry } from '../spool/entry.ts'
import { type DsnFailure, makeDsn } from './dsn.ts'

export interface DsnRequest {
  readonly ids: Pick<Ids, 'batch' | 'connection' | 'message'>
  readonly hostname: string
  /** Epoch milliseconds. */
  readonly now: number
  /** Must not be the null sender. */
  readonly returnTo: string
  readonly failures: readonly DsnFailure[]
  readonly envelopeId?: string
  readonly originalHeader: Buffer
}

export function dsnEntry(request: DsnRequest): { readonly entry: Entry; readonly data: Buffer } {
  const { ids, now, returnTo } = request
  const id = ids.batch()
  const data = makeDsn({ ...request, id })
  const domain = lowerCase(splitAddress(returnTo).domain)
  const none = { connection: {}, message: {} }
  const entry: Entry = {
    batchId: id,
    connectionId: ids.connection(),
    receivedMs: Math.round(now),
    mailfrom: '',
    facts: { msg_size: String(data.length), recv_method: 'internal' },
    context: none,
    copies: [
      {
        id,
        mailfrom: '',
        rcptto: returnTo,
        routingDomain: domain,
        rendition: { pieces: [[0, data.length]], holes: [] },
        sizeBytes: data.length,
        context: none,
        facts: {
          message_id: ids.message(),
          rcpt_to: toText(lowerCase(returnTo)),
          raw_rcpt_to: toText(returnTo),
          routing_domain: toText(domain),
        },
      },
    ],
  }
  return { entry, data }
}
