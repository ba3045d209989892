// What the spool rejects with. None of it says that a message is lost: what was not written was never
// promised, and what cannot be read is kept in `quarantine/`.

/**
 * - `no room`: disk or descriptors used up; nothing was stored, a later try may succeed
 * - `broken`: a write or fsync failed, intake is over until somebody looks at the disk
 * - `closed`: the spool was closed
 * - `damaged`: stored octets do not match their checksum; they are set aside
 * - `finished`: the message was to be read, and is not in the spool any more
 * - `locked`: another process has this spool
 * - `newer format`: written by a later version, left untouched
 */
export type SpoolErrorKind =
  'no room' | 'broken' | 'closed' | 'damaged' | 'finished' | 'locked' | 'newer format'

export class SpoolError extends Error {
  override readonly name = 'SpoolError'
  readonly kind: SpoolErrorKind

  constructor(kind: SpoolErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause })
    this.kind = kind
  }
}

/** Whether what was to be read is not queued any more. */
export function isOutOfQueue(error: unknown): boolean {
  return error instanceof SpoolError && (error.kind === 'damaged' || error.kind === 'finished')
}

/** The code of a system error, such as ENOSPC; '' for anything else. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
