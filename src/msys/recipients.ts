// The recipients of a transaction by way of `vctx`. Editing ends with validate_rcptto_list_final.
// Momentum manual pages "lua.ref.vctx_add_recipient", "lua.ref.vctx_remove_recipient",
// "lua.ref.vctx_recipient_list", "apis-validate-context-iterate-rcpt".
import { LuaCallError } from '../lua/error.ts'
import { type LuaTable, type LuaValue, multiple } from '../lua/value.ts'
import type { Address } from '../mail/address.ts'
import { lowerCase } from '../mail/bytes.ts'
import { readAddress } from './address.ts'
import { assertStage, declare } from './declaration.ts'
import type { Recipients, ValidationContext } from './handle.ts'
import { asString, isTable, number, optional, type Parameter } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import type { Stage } from './stage.ts'

const EDITING: readonly Stage[] = ['mailfrom', 'rcptto', 'data']
const READING: readonly Stage[] = ['mailfrom', 'data', 'spool', 'copy', 'binding', 'final', 'other']

/** One address or a table of them, each a byte string. */
const addresses: Parameter<readonly string[]> = {
  name: 'addresses',
  expects: 'string or table of strings',
  read(value) {
    const items = (isTable(value) ? listOf(value) : [value]).map(asString)
    return items.includes(undefined) ? undefined : items.filter((item) => item !== undefined)
  },
}

const method = declare<ValidationContext>()

export const RECIPIENT_METHODS = [
  method(
    'vctx:add_recipient',
    [addresses],
    {
      result: 'nil',
      tier: 1,
      stages: EDITING,
      doc: 'adds recipients to the envelope; those that are there already stay single',
    },
    (vctx, [texts]) => {
      const recipients = recipientsOf(vctx, 'vctx:add_recipient')
      recipients.list = distinct([...recipients.list, ...readAll('vctx:add_recipient', texts)])
    },
  ),
  method(
    'vctx:remove_recipient',
    [addresses],
    {
      result: 'nil',
      tier: 1,
      stages: EDITING,
      doc: 'takes recipients from the envelope; one that is not there is no error',
    },
    (vctx, [texts]) => {
      const recipients = recipientsOf(vctx, 'vctx:remove_recipient')
      const gone = new Set(readAll('vctx:remove_recipient', texts).map(keyOf))
      recipients.list = recipients.list.filter((address) => !gone.has(keyOf(address)))
    },
  ),
  method(
    'vctx:recipient_list',
    [optional(addresses)],
    {
      result: 'string[]',
      tier: 1,
      stages: READING,
      doc: 'the recipients; with addresses replaces them',
    },
    (vctx, [texts], runtime) => {
      const recipients = recipientsOf(vctx, 'vctx:recipient_list')
      if (texts !== undefined) {
        assertStage('vctx:recipient_list', EDITING, runtime)
        recipients.list = distinct(readAll('vctx:recipient_list', texts))
      }
      return tableOf(recipients.list, runtime)
    },
  ),
  method(
    'vctx:iterate_rcpt',
    [number('position')],
    {
      result: 'number, string | -1',
      tier: 2,
      stages: READING,
      doc: 'the next position and the recipient at this one, from 0; -1 after the last',
    },
    (vctx, [position]) => {
      const address = recipientsOf(vctx, 'vctx:iterate_rcpt').list[position]
      return address ? multiple(position + 1, address.text) : -1
    },
  ),
]

function recipientsOf({ recipients }: ValidationContext, name: string): Recipients {
  if (!recipients) throw new LuaCallError(`${name}: there is no transaction`)
  return recipients
}

function readAll(name: string, texts: readonly string[]): Address[] {
  return texts.map((text) => readAddress(name, text))
}

function listOf(table: LuaTable): LuaValue[] {
  return Array.from({ length: table.length() }, (_, i) => table.get(i + 1))
}

/** The first of each stays. */
function distinct(list: readonly Address[]): Address[] {
  const seen = new Set<string>()
  return list.filter((address) => seen.size < seen.add(keyOf(address)).size)
}

/** Domains are compared without regard to case. */
function keyOf({ localpart, domain }: Address): string {
  return `${localpart}@${lowerCase(domain)}`
}

/** Scripts walk it from 0, as the manual does: there is an empty text there that no length counts. */
function tableOf(list: readonly Address[], runtime: Runtime): LuaTable {
  const zero = runtime.newTable()
  zero.set(0, '')
  const table = runtime.newTable(zero)
  list.forEach(({ text }, i) => table.set(i + 1, text))
  return table
}
