// Envelope addresses as policy gives them.
import { LuaCallError } from '../lua/error.ts'
import { type Address, splitAddress } from '../mail/address.ts'

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\0-\x1f\x7f]/
const QUOTED_LOCALPART = /^"(?:[^"\\]|\\.)*"/

/**
 * An address that policy gave to `name`. No control character may reach the next hop's command line; blanks
 * only within quotes.
 */
export function readAddress(name: string, text: string): Address {
  const isHostile = CONTROL.test(text) || /[ <>]/.test(text.replace(QUOTED_LOCALPART, ''))
  if (isHostile || !text.includes('@')) {
    throw new LuaCallError(`${name}: bad argument #1 (not an address)`)
  }
  return splitAddress(text)
}
