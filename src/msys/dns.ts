// msys.dnsLookup (Momentum: "lua.ref.msys.dnslookup"). What is known already comes back at once; else the
// callout is suspended. Failed look-ups give nil and a text that policy compares, such as NXDOMAIN.
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { LuaCallError } from '../lua/error.ts'
import { later } from '../lua/binding.ts'
import { type LuaTable, multiple, type Multiple } from '../lua/value.ts'
import { toText } from '../mail/bytes.ts'
import { type DnsAnswer, RECORD_TYPES, type RecordType } from '../outside/outside.ts'
import { declare } from './declaration.ts'
import { optional, string, table } from './parameter.ts'
import { nibbles } from './spfmacro.ts'

const fn = declare<undefined>()
const NAME = 'msys.dnsLookup'

export const DNS_FUNCTIONS = [
  fn(
    NAME,
    [string('name'), optional(string('type'), 'A'), optional(table('options'))],
    {
      result: 'table | nil, error',
      tier: 1,
      doc: 'asks DNS for A, AAAA, MX, TXT, PTR or NS records; the best MX first, with `priority = true` as `{ preference, host }`; `server` is asked instead of the configured ones',
      differs: 'PTR also takes an address; answers other than addresses are kept for a minute',
    },
    (_, [name, type, options], { outside }) => {
      const recordType = readType(type)
      const withPreference = options?.get('priority') === true
      const server = options && serverOf(options)
      const question = {
        name: queryName(name, recordType),
        type: recordType,
        ...(server !== undefined && { server }),
      }
      const answer = outside.resolver.ask(question)
      const give = (given: DnsAnswer) => resultsOf(given, recordType, withPreference)
      return answer instanceof Promise ? later(() => answer.then(give)) : give(answer)
    },
  ),
]

function readType(text: string): RecordType {
  const type = RECORD_TYPES.find((known) => known === text.toUpperCase())
  if (type) return type
  throw new LuaCallError(
    `${NAME}: bad argument #2 (unknown record type '${text}'; known: ${RECORD_TYPES.join(', ')}): type`,
  )
}

function serverOf(options: LuaTable): string | undefined {
  const server = options.get('server')
  if (server === undefined || typeof server === 'string') return server
  throw new LuaCallError(`${NAME}: bad argument #3 (server must be a string): options`)
}

function queryName(name: string, type: RecordType): string {
  if (type === 'PTR' && isIP(name) !== 0) return reverseName(name)
  const bare = name.replace(/\.$/, '')
  return /[\x80-\xff]/.test(bare) ? domainToASCII(toText(bare)) || bare : bare
}

/** Where the names of an address stand: `1.2.0.192.in-addr.arpa`. */
export function reverseName(address: string): string {
  const isV4 = isIP(address) === 4
  const labels = isV4 ? address : nibbles(address)
  return `${labels.split('.').reverse().join('.')}.${isV4 ? 'in-addr' : 'ip6'}.arpa`
}

function resultsOf(answer: DnsAnswer, type: RecordType, withPreference: boolean): Multiple {
  if (answer.kind === 'refused') throw new LuaCallError(`${NAME}: ${answer.text}`)
  if (answer.kind === 'failed') return multiple(undefined, answer.text)
  if (type !== 'MX') return multiple(answer.records)
  const hosts = mxHosts(answer.records)
  return multiple(hosts.map(({ preference, host }) => (withPreference ? [preference, host] : host)))
}

interface MxHost {
  readonly preference: number
  readonly host: string
}

/** The best first; those of one preference as they came. */
function mxHosts(records: readonly string[]): readonly MxHost[] {
  return records
    .map((record) => {
      const [preference = '', host = ''] = record.split(' ')
      return { preference: Number(preference), host }
    })
    .sort((a, b) => a.preference - b.preference)
}
