// `msys.validate.opendkim.sign` and its older name `msys.validate.dkim.sign`: a DKIM signature over a copy as
// it will be sent, links and pixel in it. Momentum manual page "lua.ref.msys.validate.opendkim.sign".
import { chargeTicks } from '../lua/budget.ts'
import { multiple } from '../lua/value.ts'
import { assertWritable, contentOf } from './content.ts'
import { declare } from './declaration.ts'
import { type DkimOptions, namedDomain, readDkimOptions } from './dkimoptions.ts'
import { signingKey, type SigningKey } from './dkimkey.ts'
import { authorDomain, keyIn, signContent } from './dkimsigning.ts'
import type { ConfiguredSignature } from './dkimstanza.ts'
import { assertAlive, type MessageHandle, type ValidationContext } from './handle.ts'
import { expandMacros } from './macro.ts'
import { object, optional, table } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import type { Stage } from './stage.ts'

const fn = declare<undefined>()

const SIGN = [
  optional(object<MessageHandle>('msg', 'message')),
  optional(object<ValidationContext>('vctx', 'vctx')),
  optional(table('options')),
] as const

const STAGES: readonly Stage[] = ['final']

export const DKIM_FUNCTIONS = ['msys.validate.opendkim.sign', 'msys.validate.dkim.sign'].map(
  (name, index) =>
    fn(
      name,
      SIGN,
      {
        result: 'boolean, error',
        tier: index === 0 ? 1 : 2,
        stages: STAGES,
        doc: 'puts a DKIM-Signature on top; false when there was none to make, and paniclog says why',
        differs:
          'without an opendkim stanza selector and a key are needed, and the default header list is ours; `rsa-sha1` signs with SHA-256; `expiry` is in seconds from now, or epoch seconds; keys are read below file_roots',
      },
      (_, [given, ctx, options], runtime) => {
        const msg = given ?? runtime.callSite()?.subject?.msg
        const vctx = ctx ?? runtime.callSite()?.subject?.vctx
        if (!msg || !vctx) return false
        assertAlive(msg)
        assertAlive(vctx)
        assertWritable(msg, name)
        const domain = namedDomain(options) ?? authorDomain(msg)
        const configured = domain === undefined ? undefined : runtime.signing?.ruleFor(domain)
        const read = readDkimOptions(name, options, configured)
        const why = signCopy(msg, vctx, read, configured, runtime)
        if (why === undefined) return true
        runtime.panic(`${name}: ${msg.current.id} is not signed: ${why}`)
        return multiple(false, why)
      },
    ),
)

/** Constants of libopendkim. */
export const DKIM_CONSTANTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'opendkim.dkim': {
    ...Object.fromEntries(
      (
        'OK BADSIG NOSIG NOKEY CANTVRFY SYNTAX NORESOURCE INTERNAL REVOKED INVALID NOTIMPLEMENT KEYFAIL ' +
        'CBREJECT CBINVALID CBTRYAGAIN CBERROR'
      )
        .split(' ')
        .map((name, value) => [`DKIM_STAT_${name}`, value]),
    ),
    DKIM_SIGFLAG_IGNORE: 1,
    DKIM_SIGFLAG_PROCESSED: 2,
    DKIM_SIGFLAG_PASSED: 4,
    DKIM_SIGFLAG_TESTKEY: 8,
    DKIM_SIGFLAG_NOSUBDOMAIN: 16,
  },
}

/** Steps of Lua that take about as long as an RSA signature. */
const SIGNATURE_TICKS = 20_000
/** Why it cannot be signed; undefined when it is. */
function signCopy(
  msg: MessageHandle,
  vctx: ValidationContext,
  options: DkimOptions,
  configured: ConfiguredSignature | undefined,
  runtime: Runtime,
): string | undefined {
  const { condition } = options
  const { connection, message } = vctx.context
  if (condition !== undefined && !connection.has(condition) && !message.has(condition)) {
    return `there is no context variable ${condition}`
  }
  if (!contentOf(msg).fields.some(({ key }) => key === 'from')) return 'it has no From field'
  const domain = options.domain ?? authorDomain(msg)
  if (domain === undefined) return 'its author has no domain'
  const isOwnKey = options.keyText !== undefined || options.keyFile !== undefined
  const key = isOwnKey || !configured ? findKey(options, domain, vctx, runtime) : configured.key()
  chargeTicks(SIGNATURE_TICKS + (contentOf(msg).body.length >> 2))
  return signContent(msg, { ...options, domain }, key, runtime.nowMs())
}

/**
 * The key that options name. In the name of a key file `%{d}` is the domain that signs and `%{s}` the selector.
 */
export function findKey(
  { keyText, keyFile, selector }: DkimOptions,
  domain: string,
  vctx: Pick<ValidationContext, 'context'>,
  { callSite, nowMs, panic, readFile }: Runtime,
): SigningKey {
  if (keyText !== undefined) return signingKey(keyText)
  if (keyFile === undefined) return { kind: 'unusable', why: 'neither keyfile nor keybuf is given' }
  const named = keyFile.replace(/%\{([ds])\}/g, (_, letter) => (letter === 'd' ? domain : selector))
  const facts = {
    context: vctx.context,
    remoteAddress: callSite()?.subject?.ac.remoteAddress,
    nowMs: nowMs(),
  }
  const path = expandMacros(named, facts, (macro) => panic(`keyfile: ${macro} is not known here`))
  const file = readFile(path)
  if (file.kind === 'failed') return { kind: 'unusable', why: `${path}: ${file.text}` }
  return keyIn(file.source, path)
}
