// Single functions that stand alone in their part of the API.
import { LuaCallError } from '../lua/error.ts'
import { canonicalLines } from '../mime/line.ts'
import { splitHeader } from '../mime/field.ts'
import { prependFields } from '../mime/header.ts'
import { assertWritable, replaceFields } from './content.ts'
import { declare } from './declaration.ts'
import { type ApiObject, assertAlive, type MessageHandle } from './handle.ts'
import { asString, object, string, table } from './parameter.ts'
import { declareField } from './declaration.ts'
import type { ClassShape } from './shape.ts'
import { MESSAGE_STAGES } from './stage.ts'

/** `domain_record`: a domain by its name; there is no queue for each domain behind it. */
interface DomainRecord extends ApiObject {
  readonly kind: 'domain_record'
  readonly name: string
}

const fn = declare<undefined>()
const field = declareField<DomainRecord>()

export const SINGLE_FUNCTIONS = [
  fn(
    'msys.core.dns_get_domain',
    [string('name')],
    {
      result: 'domain_record | nil',
      tier: 2,
      doc: 'what stands for a domain; nil for what is no name of one',
      differs: 'it only has its name',
    },
    (_, [name], { wrap }) =>
      /^[\w-]+(?:\.[\w-]+)*\.?$/.test(name)
        ? wrap({ kind: 'domain_record', name: name.toLowerCase() } satisfies DomainRecord)
        : undefined,
  ),
  fn(
    'msys.core.rfc2822_prepend_headers',
    [object<MessageHandle>('msg', 'message'), string('headers')],
    {
      result: 'nil',
      tier: 2,
      stages: MESSAGE_STAGES,
      doc: 'puts header lines on top of a message, as they are',
      differs: 'Momentum does not document it',
    },
    (_, [msg, text]) => {
      assertAlive(msg)
      assertWritable(msg, 'msys.core.rfc2822_prepend_headers')
      const { fields, body } = splitHeader(canonicalLines(Buffer.from(`${text}\r\n\r\n`, 'latin1')))
      const isHeader = fields.length > 0 && fields.every(({ key }) => key !== '')
      if (!isHeader || /\S/.test(body.toString('latin1'))) {
        throw new LuaCallError(
          'msys.core.rfc2822_prepend_headers: bad argument #2 (header lines expected): headers',
        )
      }
      replaceFields(msg, prependFields(msg.current.fields, fields))
    },
  ),
  fn(
    'msys.snmpTrap',
    [table('options')],
    {
      result: 'nil',
      tier: 2,
      doc: 'writes what the trap would say to paniclog',
      differs: 'no trap is sent: there is no SNMP here',
    },
    (_, [options], { panic }) => {
      const parts = ['mib', 'type', 'payload', 'address', 'port'].flatMap((key) => {
        const text = asString(options.get(key))
        return text === undefined ? [] : [`${key}=${text}`]
      })
      panic(`msys.snmpTrap: ${parts.join(' ')}`)
    },
  ),
]

export const DOMAIN_RECORD: ClassShape<DomainRecord> = {
  kind: 'domain_record',
  className: 'msys.core:_domain_record',
  prefix: 'domain_record',
  methods: [],
  fields: ['name', 'domain'].map((key) =>
    field(
      `domain_record.${key}`,
      { result: 'string', tier: 2, doc: 'its name' },
      ({ name }) => name,
    ),
  ),
  text: ({ name }) => name,
}
