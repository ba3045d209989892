// A folder of recorded sessions: names in the order of time, redacted by one key, so that an address has one
// name in all of them. Only the owner can read it.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { redactTape } from '../recording/redaction.ts'
import { type Tape, writeTape } from '../recording/tape.ts'

export interface TapeFolderOptions {
  readonly folder: string
  readonly isRedacted: boolean
  readonly keepsTexts: boolean
  /** Made if it is not there. */
  readonly keyFile: string
}

/** Writes a tape and gives the name of its file. Raises what the disk does. */
export type TapeWriter = (tape: Tape) => string

/** Raises what the disk does. */
export function openTapeFolder(options: TapeFolderOptions): TapeWriter {
  const { folder } = options
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const change = redactionOf(options)
  let count = 0
  return (tape) => {
    const time = tape.began.replaceAll(/[-:]/g, '')
    for (;;) {
      const name = `${time}-${String(++count).padStart(4, '0')}.session`
      if (existsSync(join(folder, name))) continue
      writeFileSync(join(folder, name), writeTape(change(tape)), { mode: 0o600, flag: 'wx' })
      return name
    }
  }
}

function redactionOf({ isRedacted, keepsTexts, keyFile }: TapeFolderOptions): (tape: Tape) => Tape {
  if (!isRedacted) return (tape) => tape
  if (!existsSync(keyFile)) {
    writeFileSync(keyFile, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' })
  }
  const key = Buffer.from(readFileSync(keyFile, 'utf8').trim(), 'utf8')
  return (tape) => redactTape(tape, { key, keepsTexts })
}
