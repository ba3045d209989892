// How policy says what a message's next hop is spoken to with: core_get_outbound_tls_parameters, which changes
// TLS, and outbound_smtp_auth_config, which sets the context variables that hold user and password (Momentum:
// C reference page "get_outbound_tls_parameters", manual page "modules.outbound_smtp_auth"). Context variables
// that they set hold for this attempt only.
import { createSecureContext } from 'node:tls'
import { tlsRules } from './config/tlsrules.ts'
import { deliverySessions } from './deliveryhooks.ts'
import type { Generation } from './generation.ts'
import { applyChanges } from './mail/context.ts'
import type { TlsParams } from './msys/tlsparams.ts'
import type { ExtraValue } from './msys/runtime.ts'
import type { CalloutName } from './policy/phases.ts'
import { credentialsBy } from './relay/credentials.ts'
import type { Profile, TlsProfile } from './relay/profile.ts'
import type { Steering } from './relay/steering.ts'
import { copyAsSent, subjectOf } from './sentcopy.ts'

const TLS: CalloutName = 'core_get_outbound_tls_parameters'
const AUTH: CalloutName = 'outbound_smtp_auth_config'
const MODES = ['no', 'ifavailable', 'required'] as const
const VERIFICATIONS = ['no', 'ca', 'host', 'optional'] as const

export function steeringHooks(current: () => Generation): Steering {
  const sessionOf = deliverySessions()
  return {
    wants: () => current().policy.has(TLS) || current().policy.has(AUTH),
    async steer({ entry, copyIndex, changed, bytes, outbound }, profile) {
      const { policy, journal } = current()
      const msg = copyAsSent(entry, copyIndex, bytes, '')
      if (changed) applyChanges(msg.current.context, changed)
      const panic = (text: string): void => journal.panic('scriptlet', text)
      const run = async (name: CalloutName, extra: Record<string, ExtraValue>): Promise<void> => {
        const outcome = await sessionOf(policy).run(name, {
          ...subjectOf({ outboundConnectionId: '' }, msg, panic),
          extra,
        })
        if (outcome.kind === 'failed') throw new Error(`${name}: ${outcome.reason}`)
      }
      try {
        const tls = policy.has(TLS)
          ? await tlsBy(profile.tls, (p) => run(TLS, { params: p }))
          : profile.tls
        if (!policy.has(AUTH)) return { ...profile, tls }
        await run(AUTH, {})
        const { message, connection } = msg.current.context
        const auth = credentialsBy(outbound, (name) => message.get(name) ?? connection.get(name))
        return { ...profile, tls, auth }
      } finally {
        msg.gone = 'it is being delivered'
      }
    },
  }
}

/** Rejects when what policy sets makes no TLS. */
async function tlsBy(
  tls: TlsProfile,
  ask: (params: TlsParams) => Promise<void>,
): Promise<TlsProfile> {
  const params: TlsParams = {
    kind: 'tls_params',
    useTls: MODES.indexOf(tls.mode),
    verify: VERIFICATIONS.indexOf(tls.verify),
    texts: new Map(),
    files: new Map(),
  }
  await ask(params)
  params.gone = 'the hook is over'
  const { texts, files } = params
  const certificate = files.get('certfile')
  const set: TlsProfile = {
    ...tls,
    mode: MODES[params.useTls] ?? 'required',
    verify: VERIFICATIONS[params.verify] ?? 'host',
    ca: files.get('ca') ?? tls.ca,
    certificate: certificate ?? tls.certificate,
    // A certificate of another key is none: what comes without one holds its key.
    key: files.get('keyfile') ?? (certificate ? undefined : tls.key),
    rules: rulesBy(tls, texts),
  }
  const { certificate: cert, key = cert, ca, rules } = set
  createSecureContext({ ...(cert && { cert, key }), ...(ca && { ca }), ...rules })
  return set
}

function rulesBy(
  { rules }: TlsProfile,
  texts: ReadonlyMap<string, string>,
): Profile['tls']['rules'] {
  const protocols = texts.get('protocols')
  const ciphers = texts.get('cipherlist')
  const set = tlsRules({ ciphers, protocols: protocols ?? '+ALL' })
  const { minVersion, maxVersion } = (protocols !== undefined && set) || rules
  const list = ciphers === undefined ? rules.ciphers : set?.ciphers
  return { ...(list !== undefined && { ciphers: list }), minVersion, maxVersion }
}
