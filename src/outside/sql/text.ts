// Text between policy, whose strings are octets, and databases, whose text is Unicode: UTF-8, and what is
// none is taken for Latin-1, as Momentum does (manual page "modules.ds_core", "Character Encoding Support").
import { isUtf8 } from 'node:buffer'
import { fromBytes, toBytes } from '../../mail/bytes.ts'

export function toDatabase(text: string): string {
  const bytes = toBytes(text)
  return isUtf8(bytes) ? bytes.toString('utf8') : text
}

export function fromDatabase(text: string): string {
  return fromBytes(Buffer.from(text, 'utf8'))
}
