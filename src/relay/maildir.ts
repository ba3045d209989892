// Delivery to a maildir: written to tmp/, synced, renamed to new/, and the folder synced. This is the
// point of final delivery, so Return-Path goes on top (RFC 5321 §4.4), with Delivered-To after it. The
// rest are the octets that a next hop would get. A copy always gets the same file name, so that one
// delivered again after a crash replaces itself.
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { oneLine, type Outcome, outcome, STAGES } from './outcome.ts'

export interface MaildirCopy {
  /** Byte strings. */
  readonly mailfrom: string
  readonly rcptto: string
  readonly bytes: Buffer
}

/** `name`: the copy's, unique for ever in this maildir. Every failure is temporary. */
export async function deliverToMaildir(
  path: string,
  name: string,
  copy: MaildirCopy,
): Promise<Outcome> {
  const file = name.replace(/[^\w.-]/g, '_')
  const temporary = join(path, 'tmp', file)
  try {
    for (const folder of ['tmp', 'new', 'cur']) await mkdir(join(path, folder), { recursive: true })
    await writeSynced(temporary, copy)
    await rename(temporary, join(path, 'new', file))
    await syncFolder(join(path, 'new'))
    return outcome(STAGES.readingConfirmation, '250 2.0.0 [internal] delivered to maildir')
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {
      // Only litter in tmp/ is left; the failure that matters is reported below.
    })
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    return outcome(STAGES.sendingBody, `451 4.2.0 [internal] maildir: ${code}`)
  }
}

async function writeSynced(path: string, { mailfrom, rcptto, bytes }: MaildirCopy): Promise<void> {
  const head = `Return-Path: <${oneLine(mailfrom)}>\r\nDelivered-To: ${oneLine(rcptto)}\r\n`
  const handle = await open(path, 'w', 0o600)
  try {
    await handle.writeFile(head, 'latin1')
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
