// What came of a rehearsed session, as plain data. Addresses, header values, context variables and log lines
// are byte strings (mail/bytes.ts).
import type { Egress } from '../mail/envelope.ts'
import type { TokenFacts } from '../tracking/facts.ts'
import type { Explain, LinkExplain } from '../tracking/explain.ts'
import type { TrackingSettings } from '../tracking/options.ts'
import type { LinkKind } from '../tracking/path.ts'
import type { CalloutTrace } from '../policy/trace.ts'
import type { SaidReply } from './client.ts'
import type { LogName } from './world.ts'

export interface SessionResult {
  readonly greeting: SaidReply
  /** Undefined where the greeting was a refusal; so below. */
  readonly hello: SaidReply | undefined
  readonly auth: SaidReply | undefined
  readonly transactions: readonly TransactionResult[]
  readonly logs: Readonly<Record<LogName, readonly string[]>>
  /** JSON records, in their order. */
  readonly events: readonly string[]
  /** Every callout, in their order. */
  readonly trace: readonly CalloutTrace[]
}

export interface TransactionResult {
  readonly mailfrom: SaidReply
  /** In the order of the commands; none after a refused MAIL. */
  readonly rcpttos: readonly { readonly rcptto: string; readonly reply: SaidReply }[]
  /** To the final dot; where no message was sent, what stopped it. */
  readonly reply: SaidReply
  readonly isDataSent: boolean
  /** As the server took it: lone line ends mended. As given, where it took none. */
  readonly received: Split
  /** One for each RCPT, refused ones too, and for recipients that policy added, in this order. */
  readonly recipients: readonly RecipientResult[]
  /** What policy sent, and notifications to the sender. */
  readonly sent: readonly SentMessage[]
  /** Its callouts in their order; before them those of the session since the last transaction. */
  readonly trace: readonly CalloutTrace[]
}

export interface Split {
  /** With the line end of its last field. */
  readonly header: Buffer
  readonly body: Buffer
}

/**
 * `accepted`: spooled. `refused`: with `reply`, at RCPT, with the whole message, or this copy alone.
 * `discarded`: dropped in silence, `reply` is the success that the client saw. `removed`: policy took the
 * recipient from the list. `failed`: a callout of this copy or the transform failed.
 */
export type RecipientVerdict = 'accepted' | 'refused' | 'discarded' | 'removed' | 'failed'

export interface RecipientResult {
  readonly rcptto: string
  readonly verdict: RecipientVerdict
  /** What became of this recipient: the copy's own refusal, else the reply that the client saw. */
  readonly reply: SaidReply
  /** Why policy discarded it. */
  readonly reason?: string
  /** Undefined where no copy was made. */
  readonly copy?: CopyReport
}

export interface CopyReport {
  /** As logs name it. */
  readonly id: string
  /** As its first callout found them, and as the last one left them. */
  readonly before: Dictionaries
  readonly after: Dictionaries
  readonly mailfrom: string
  readonly rcptto: string
  /** In lower case. */
  readonly routingDomain: string
  readonly egress: Egress
  readonly isPriority: boolean
  /** The header and body as sent; of a copy that is not sent, as policy left them. */
  readonly content: Split
  /** Exactly what would be relayed, before dot-stuffing; undefined if it is not sent. */
  readonly bytes?: Buffer
  /** Undefined where links were not looked at. */
  readonly tracking?: TrackingReport
}

export interface Dictionaries {
  readonly connection: Readonly<Record<string, string>>
  readonly message: Readonly<Record<string, string>>
}

export interface TrackingReport {
  readonly settings: TrackingSettings
  readonly explain: Explain
  readonly links: readonly LinkReport[]
  readonly pixels: readonly TrackedUrl[]
}

export interface LinkReport extends LinkExplain {
  /** Of a tracked link: what stands in the copy. */
  readonly tracked?: TrackedUrl
}

export interface TrackedUrl {
  readonly url: string
  readonly action: LinkKind
  /** `''` for a pixel. */
  readonly target: string
  readonly name: string
  readonly facts: TokenFacts
}

export interface SentMessage {
  readonly kind: 'by policy' | 'notification'
  readonly mailfrom: string
  readonly rcptto: string
  readonly egress: Egress
  readonly bytes: Buffer
}
