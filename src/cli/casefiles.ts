// Cases for a policy: recorded sessions, and messages alone, whose envelope is that of their header.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseAddresses } from '../mime/addresslist.ts'
import { fieldValue, splitHeader } from '../mime/field.ts'
import { canonicalLines } from '../mime/line.ts'
import { tapeOf } from '../recording/replay.ts'
import { readTape, type Tape } from '../recording/tape.ts'

export interface Case {
  readonly file: string
  readonly tape: Tape
}

/** Files below a folder by name, or the file itself. Raises TapeError. */
export function readCases(path: string): Case[] {
  return casesAt(path).map((file) => {
    const bytes = readFileSync(file)
    return {
      file,
      tape: file.endsWith('.eml') ? tapeOfMessage(bytes) : readTape(bytes.toString(), file),
    }
  })
}

function casesAt(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  const entries = readdirSync(path, { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )
  return entries.flatMap((entry) => {
    const inner = join(path, entry.name)
    if (entry.isDirectory()) return casesAt(inner)
    return /\.(?:session|eml)$/.test(entry.name) ? [inner] : []
  })
}

function tapeOfMessage(bytes: Buffer): Tape {
  const message = bytes.includes('\r\n') ? bytes : canonicalLines(bytes)
  const { fields } = splitHeader(message)
  const addresses = (...keys: readonly string[]): string[] =>
    fields
      .filter(({ key }) => keys.includes(key))
      .flatMap((field) => parseAddresses(fieldValue(field)))
      .map(({ address }) => address)
  const rcpttos = [...new Set(addresses('to', 'cc', 'bcc'))]
  const [mailfrom = ''] = [...addresses('return-path'), ...addresses('from')]
  return tapeOf(message, mailfrom, rcpttos.length > 0 ? rcpttos : ['recipient@rcpt.example'])
}
