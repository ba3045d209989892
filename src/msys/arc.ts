// `msys.validate.openarc` (manual pages "lua.ref.msys.validate.openarc.verify" and ".sign"): the chain of ARC seals in a
// message, and one more seal on it. What comes of both are context variables of the message.
import { later } from '../lua/binding.ts'
import { chargeTicks } from '../lua/budget.ts'
import type { LuaTable } from '../lua/value.ts'
import { prependFields } from '../mime/header.ts'
import { fieldValue, splitHeader } from '../mime/field.ts'
import { type ArcStatus, sealArc, verifyArc } from '../outside/mailauth.ts'
import { assertWritable, contentOf, rawOf, replaceFields } from './content.ts'
import { declare } from './declaration.ts'
import { findKey } from './dkim.ts'
import { readDkimOptions } from './dkimoptions.ts'
import { assertAlive, type MessageHandle } from './handle.ts'
import { sendingOf } from './messagesend.ts'
import { asString, object, optional, string, table } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import type { Stage } from './stage.ts'

const fn = declare<undefined>()
const PREFIX = 'msys.validate.openarc'
const VERIFY: readonly Stage[] = ['data', 'spool', 'copy', 'final']
const SEAL: readonly Stage[] = ['final']

const SEAL_DIFFERS =
  'the fields that are signed are chosen here, in relaxed form with SHA-256; Authentication-Results is not changed'

export const ARC_FUNCTIONS = [
  fn(
    `${PREFIX}.verify`,
    [object<MessageHandle>('msg', 'message')],
    {
      result: 'nil',
      tier: 2,
      stages: VERIFY,
      doc: 'verifies the ARC chain; sets `arc_cv` of the message to none, pass or fail',
    },
    (_, [msg], runtime) => later(async () => void (await chainOf(msg, runtime))),
  ),
  ...['sign', 'seal'].map((word) =>
    fn(
      `${PREFIX}.${word}`,
      [object<MessageHandle>('msg', 'message'), table('options'), optional(string('results'))],
      {
        result: 'nil',
        tier: 2,
        stages: SEAL,
        doc: 'puts an ARC set on top; `results` is what the message was found to be, those of Authentication-Results unless given. Sets `arc_seal` to ok, or to skip where the chain is broken already',
        differs: SEAL_DIFFERS,
      },
      (_, [msg, options, results], runtime) =>
        later(() => seal(`${PREFIX}.${word}`, { msg, options, results }, runtime)),
    ),
  ),
]

/** Known, or found now. */
async function chainOf(msg: MessageHandle, { outside, panic }: Runtime): Promise<ArcStatus> {
  assertAlive(msg)
  const octets = rawOf(msg)
  chargeTicks(octets.length >> 2)
  const { status, why } = await verifyArc(octets, outside.resolver)
  assertAlive(msg)
  msg.current.context.message.set('arc_cv', status)
  if (status === 'fail')
    panic(`${PREFIX}.verify: ${msg.current.id}: ${why ?? 'the chain is broken'}`)
  return status
}

interface Sealing {
  readonly msg: MessageHandle
  readonly options: LuaTable
  readonly results: string | undefined
}

async function seal(name: string, { msg, options, results }: Sealing, runtime: Runtime) {
  assertAlive(msg)
  assertWritable(msg, name)
  const { message, connection } = msg.current.context
  const read = readDkimOptions(name, options)
  const known = message.get('arc_cv')
  const cv =
    known === 'none' || known === 'pass' || known === 'fail' ? known : await chainOf(msg, runtime)
  if (cv === 'fail') {
    message.set('arc_seal', 'skip')
    return
  }
  const refuse = (why: string): void =>
    runtime.panic(`${name}: ${msg.current.id} is not sealed: ${why}`)
  const { domain, selector } = read
  if (domain === undefined) return refuse('signing_domain is needed')
  const found = findKey(read, domain, { context: { message, connection } }, runtime)
  if (found.kind === 'unusable') return refuse(found.why)
  const content = contentOf(msg)
  const header = content.fields.find(({ key }) => key === 'authentication-results')
  const own = header && fieldValue(header).replace(/^[^;]*;\s*/, '')
  const fields = await sealArc(rawOf(msg), {
    domain,
    selector,
    key: found.key,
    cv,
    results: `${results ?? own ?? 'none'}; arc=${cv}`.replace(/[\r\n\0]+/g, ' '),
    authority: asString(options.get('authservid')) ?? sendingOf(runtime)?.hostname ?? 'localhost',
    nowMs: runtime.nowMs(),
  })
  assertAlive(msg)
  const added = splitHeader(fields).fields.map((field) => ({ ...field, isOwn: true as const }))
  replaceFields(msg, prependFields(contentOf(msg).fields, added))
  message.set('arc_seal', 'ok')
}
