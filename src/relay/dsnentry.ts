// A delivery status notification as a spool entry: from the null sender, to the sender of what failed.
import { splitAddress } from '../mail/address.ts'
import type { Ids } from '../mail/ids.ts'
import type { Entry } from '../spool/entry.ts'
import { type DsnFailure, makeDsn } from './dsn.ts'

export interface DsnRequest {
  readonly ids: Pick<Ids, 'batch' | 'connection'>
  readonly hostname: string
  /** Epoch milliseconds. */
  readonly now: number
  /** Must not be the null sender. */
  readonly returnTo: string
  readonly failures: readonly DsnFailure[]
  readonly originalHeader: Buffer
}

export function dsnEntry(request: DsnRequest): { readonly entry: Entry; readonly data: Buffer } {
  const { ids, now, returnTo } = request
  const id = ids.batch()
  const data = makeDsn({ ...request, id })
  const none = { connection: {}, message: {} }
  const entry: Entry = {
    batchId: id,
    connectionId: ids.connection(),
    receivedMs: Math.round(now),
    mailfrom: '',
    facts: {},
    context: none,
    copies: [
      {
        id,
        rcptto: returnTo,
        routingDomain: splitAddress(returnTo).domain.toLowerCase(),
        rendition: { pieces: [[0, data.length]], holes: [] },
        sizeBytes: data.length,
        context: none,
        facts: {},
      },
    ],
  }
  return { entry, data }
}
