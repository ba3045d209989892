// `msys.idn`: domain names in ASCII and in UTF-8. Momentum manual pages "lua.ref.msys.idn" and "…idn_utf8".
import { domainToASCII, domainToUnicode } from 'node:url'
import { multiple } from '../lua/value.ts'
import { fromText, lowerCase, toText } from '../mail/bytes.ts'
import { declare } from './declaration.ts'
import { string } from './parameter.ts'

const fn = declare<undefined>()

export const IDN_FUNCTIONS = [
  fn(
    'msys.idn.to_idn',
    [string('name')],
    { result: 'string | nil, error', tier: 2, doc: 'a domain name in ASCII' },
    (_, [name]) => {
      // What is ASCII already is none of a URL's hosts: `1.2` would become an address.
      const ascii = /^[\0-\x7f]*$/.test(name) ? lowerCase(name) : domainToASCII(toText(name))
      return isDomain(ascii) ? ascii : failure(name)
    },
  ),
  fn(
    'msys.idn.to_utf8',
    [string('name')],
    { result: 'string | nil, error', tier: 2, doc: 'a domain name in UTF-8' },
    (_, [name]) => {
      if (!/(?:^|\.)xn--/i.test(name)) return isDomain(name) ? name : failure(name)
      const text = domainToUnicode(toText(name))
      return text === '' ? failure(name) : fromText(text)
    },
  ),
]

function isDomain(name: string): boolean {
  return (
    name.length <= 255 &&
    /^[^\0-,/:-@[-^`{-\x7f]{1,63}(?:\.[^\0-,/:-@[-^`{-\x7f]{1,63})*\.?$/.test(name)
  )
}

function failure(name: string) {
  return multiple(undefined, `'${name.slice(0, 80)}' is no domain name`)
}
