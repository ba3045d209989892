// What of the API is not implemented yet: it can be read, and raises when it is called. A function that
// gets implemented leaves this file. A row: tier, where it may be called, signature, result, what it does.
import type { Declaration, Tier } from './declaration.ts'
import { LOAD_STAGE, MESSAGE_STAGES, RECIPIENT_STAGES, type Stage } from './stage.ts'

const STAGES_OF: Readonly<Record<string, readonly Stage[] | undefined>> = {
  any: undefined,
  load: LOAD_STAGE,
  rcpt: RECIPIENT_STAGES,
  message: MESSAGE_STAGES,
  final: ['final'],
}

const ROWS = `
1 any msys.db.query(cache, sql, params?, options?) | iterator or nil, error | asks a data source
1 any msys.db.fetch_row(cache, sql, params?, options?) | table or nil, error | the first row
1 any msys.db.execute(cache, sql, params?, options?) | boolean, error | writes to a data source
2 any msys.audit.connections(monitor, options?) | number | connections in a time window
2 any msys.audit.receptions(monitor, options?) | number | receptions in a time window
2 any msys.audit.rejections(monitor, options?) | number | rejections in a time window
1 any msys.cidr.define(name, options) | nil | a table of networks
1 any msys.cidr.query(name, address?) | string | looks an address up
2 any msys.cidr.reload(name) | nil | reads it again
2 any msys.tls_params.set(params, name, value) | nil | parameters of an outbound TLS session
2 any msys.pbp.check_whitelist(vctx, config) | boolean | whether a whitelist applies
2 any msys.pbp.set_whitelist(vctx, type, name, value) | nil | says whether a whitelist applies
2 any msys.dp_config.custom_policy | table | callbacks of the default policy
`

export const PENDING: readonly Declaration[] = ROWS.trim().split('\n').map(readRow)

function readRow(row: string): Declaration {
  const [head = '', result = '', doc = ''] = row.split(' | ')
  const [, tier, where = '', name = '', parameters] =
    /^([12]) (\w+) ([\w.:]+)(?:\((.*)\))?$/.exec(head) ?? []
  const stages = STAGES_OF[where]
  return {
    name,
    ...(parameters !== undefined && { parameters: parameters.split(', ').filter(Boolean) }),
    result: result.replaceAll(' or ', ' | '),
    tier: Number(tier) as Tier,
    support: 'pending',
    ...(stages && { stages }),
    doc,
  }
}
