// What goes to the spool for one message: the entry of its copies and their octets. Made alike for what a
// client sends and for what policy sends.
import type { Address } from '../mail/address.ts'
import type { Notify } from '../mail/envelope.ts'
import { siblingId } from '../mail/ids.ts'
import { forkMessage, type Message } from '../mail/message.ts'
import type { Entry, EntryCopy } from '../spool/entry.ts'
import { messageFacts } from './facts.ts'
import { openSealing, type Sealing, type SealingOptions } from './seal.ts'
import type { Session } from './state.ts'

export interface Parcel {
  readonly entry: Entry
  readonly data: Buffer
}

export interface ParcelOptions {
  readonly sealing: Pick<
    SealingOptions,
    | 'keyring'
    | 'isTrackingEnabled'
    | 'isExplained'
    | 'isLookedAt'
    | 'includeMetadata'
    | 'maxMetadataLength'
    | 'growthLimit'
  > & { readonly customPrefix: string }
  newSalt(): Buffer
}

/** A parcel that is being made: `sealing` for its copies, and what it is with those that are sent. */
export interface OpenParcel {
  readonly sealing: Sealing
  close(copies: readonly EntryCopy[]): Parcel
}

export function openParcel(options: ParcelOptions, session: Session, parent: Message): OpenParcel {
  const { ids, journal, options: listener } = session.surroundings
  const transmissionId = ids.transmission()
  const sealing = openSealing(parent.base, {
    salt: options.newSalt(),
    listener,
    common: parent.context,
    transmissionId,
    nowSeconds: Math.floor(parent.receivedMs / 1000),
    newMessageId: () => ids.message(),
    log: (text) => journal.panic('smtpapi', text),
    ...options.sealing,
  })
  return {
    sealing,
    close: (copies) => ({
      entry: {
        batchId: parent.batchId,
        connectionId: parent.connectionId,
        receivedMs: parent.receivedMs,
        mailfrom: parent.envelope.mailfrom.text,
        facts: messageFacts(parent, transmissionId),
        context: {
          connection: Object.fromEntries(parent.context.connection),
          message: Object.fromEntries(parent.context.message),
        },
        copies,
      },
      data: sealing.data.bytes(),
    }),
  }
}

/** A copy whose context names its own recipient. */
export function forkCopy(
  parent: Message,
  rcptto: Address,
  index: number,
  notify?: Notify,
): Message {
  const id = siblingId(parent.batchId, index)
  const copy = forkMessage(parent, id, { ...parent.envelope, rcptto, ...(notify && { notify }) })
  const { message } = copy.context
  message.set('rcptto_string', `RCPT TO:<${rcptto.text}>`)
  message.set('rcptto_localpart', rcptto.localpart)
  message.set('rcptto_domain', rcptto.domain)
  return copy
}
