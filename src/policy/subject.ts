// What the callouts of one phase are about.
import type { Accept } from '../msys/accept.ts'
import type { MessageHandle } from '../msys/handle.ts'
import type { ValidationContext } from '../msys/vctx.ts'

/** What a phase is about; each callout gets the arguments that its row of the table names. */
export interface Subject {
  readonly vctx: ValidationContext
  readonly ac: Accept
  readonly msg?: MessageHandle
  /** The whole command line of EHLO, MAIL or RCPT. Byte string. */
  readonly str?: string
}
