// The parts of an address `user+detail@domain` that policy asks for by name.
// Momentum manual page "lua.ref.msys.parseRFC2822Addresses".
import { splitAddress } from '../mail/address.ts'
import type { Parameter } from './parameter.ts'

/** Gives that part of an address; `''` where there is none. */
export type AddressComponent = (address: string) => string

const COMPONENTS = new Map<unknown, AddressComponent>([
  ['all', (address) => address],
  ['localpart', (address) => splitAddress(address).localpart],
  ['domain', (address) => splitAddress(address).domain],
  ['user', (address) => split(address)[0]],
  ['detail', (address) => split(address)[1]],
])

/** The parameter that names it; the whole address when it is absent. */
export const addressComponent: Parameter<AddressComponent> = {
  name: 'component',
  expects: "'all', 'localpart', 'user', 'detail' or 'domain'",
  read: (value) => COMPONENTS.get(value),
  absent: { value: (address) => address },
}

function split(address: string): [user: string, detail: string] {
  const { localpart } = splitAddress(address)
  const plus = localpart.startsWith('"') ? -1 : localpart.indexOf('+')
  return plus < 0 ? [localpart, ''] : [localpart.slice(0, plus), localpart.slice(plus + 1)]
}
