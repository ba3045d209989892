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
2 any msys.tls_params.set(params, name, value) | nil | parameters of an outbound TLS session
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
