// Verifying DKIM signatures: `msys.validate.opendkim.verify` with the functions that read its result (Momentum:
// "lua.ref.msys.validate.opendkim.verify" and the pages beside it), and `msys.validate.dkim` of Momentum 3. The
// body is hashed at once, on the callout's budget; then keys are asked for.
import { later } from '../lua/binding.ts'
import { charge } from '../lua/budget.ts'
import { LuaCallError } from '../lua/error.ts'
import { multiple, type Multiple } from '../lua/value.ts'
import { splitAddress } from '../mail/address.ts'
import {
  conclude,
  examine,
  type Examined,
  type KeyAnswer,
  type Verification,
} from '../mime/dkimverify.ts'
import type { Field } from '../mime/field.ts'
import type { DnsAnswer, Resolver } from '../outside/outside.ts'
import { contentOf } from './content.ts'
import { declare } from './declaration.ts'
import { DKIM_CONSTANTS } from './dkim.ts'
import { assertAlive, type ApiObject, type MessageHandle } from './handle.ts'
import { readAddresses } from './headeredit.ts'
import { number, object, optional, string } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import type { ClassShape } from './shape.ts'
import type { Stage } from './stage.ts'

interface Dkim extends ApiObject {
  readonly kind: 'dkim'
  readonly signatures: readonly DkimSignature[]
}

interface DkimSignature extends ApiObject {
  readonly kind: 'dkim_sig'
  readonly verification: Verification
}

const fn = declare<undefined>()
const PREFIX = 'msys.validate.opendkim'
/** Where the octets are those that came in. */
const VERIFY_STAGES: readonly Stage[] = ['data', 'spool', 'copy']

const { DKIM_STAT_NOSIG = 2, ...CONSTANTS } = DKIM_CONSTANTS['opendkim.dkim'] ?? {}
const { DKIM_SIGFLAG_PROCESSED = 2, DKIM_SIGFLAG_PASSED = 4 } = CONSTANTS
const { DKIM_SIGFLAG_TESTKEY = 8, DKIM_SIGFLAG_NOSUBDOMAIN = 16 } = CONSTANTS
const OK = 0

const MESSAGE = object<MessageHandle>('msg', 'message')
const DKIM = object<Dkim>('dkim', 'dkim')
const SIGNATURE = object<DkimSignature>('sig', 'dkim_sig')

type Read = (verification: Verification) => string | number

export const DKIM_VERIFY_FUNCTIONS = [
  fn(
    `${PREFIX}.verify`,
    [MESSAGE],
    {
      result: 'dkim, number',
      tier: 1,
      stages: VERIFY_STAGES,
      doc: 'verifies the topmost ten DKIM signatures; a handle for the functions beside it, and a DKIM_STAT',
      differs:
        'rsa-sha1 and keys of less than 1024 bits are not accepted; it may also be called at the spool phases',
    },
    (_, [msg], runtime) =>
      later(async () => {
        const verifications = await verifyMessage(msg, runtime)
        const signatures = verifications.map((verification): DkimSignature => ({
          kind: 'dkim_sig',
          verification,
        }))
        const handle: Dkim = { kind: 'dkim', signatures }
        return multiple(runtime.wrap(handle), overall(verifications))
      }),
  ),
  fn(
    `${PREFIX}.get_num_sigs`,
    [DKIM],
    { result: 'number, number', tier: 1, doc: 'how many signatures' },
    (_, [{ signatures }]) => multiple(signatures.length, OK),
  ),
  fn(
    `${PREFIX}.get_sig`,
    [DKIM, optional(number('index'), 0)],
    { result: 'sig | nil, number', tier: 1, doc: 'one of them, from 0' },
    (_, [{ signatures }, index], { wrap }) => {
      const signature = signatures[index]
      return signature ? multiple(wrap(signature), OK) : multiple(undefined, DKIM_STAT_NOSIG)
    },
  ),
  reader(
    'get_sig_canons',
    2,
    'string',
    'the canonical form of the header',
    ({ signature }) => signature.headerForm,
  ),
  reader('get_sig_domain', 1, 'string', 'its domain', ({ signature }) => signature.domain),
  reader(
    'get_sig_errorstr',
    1,
    'string',
    'what is wrong with it, or `no signature error`',
    ({ text }) => text,
  ),
  reader('get_sig_flags', 2, 'number', 'DKIM_SIGFLAG bits', flagsOf),
  reader(
    'get_sig_keysize',
    1,
    'number',
    'bits of its key; 0 without one',
    ({ keyBits }) => keyBits,
  ),
  reader('get_sig_selector', 2, 'string', 'its selector', ({ signature }) => signature.selector),
  reader(
    'get_sig_signalg',
    2,
    'string',
    '`rsa-sha256` and the like, or `unknown`',
    ({ signature }) => signature.algorithm || 'unknown',
  ),
  fn(
    `${PREFIX}.get_sig_hdrsigned`,
    [SIGNATURE, string('header')],
    {
      result: 'boolean, number',
      tier: 2,
      doc: 'whether fields of that name are signed',
    },
    (_, [{ verification }, header]) =>
      multiple(verification.signature.headers.includes(header.toLowerCase()), OK),
  ),
  fn(
    `${PREFIX}.get_sig_identity`,
    [DKIM, SIGNATURE],
    {
      result: 'string, number',
      tier: 2,
      doc: 'its identity, `@domain` without one',
    },
    (_, [, { verification }]) => multiple(verification.signature.identity, OK),
  ),
]

export const DKIM_CLASSES: readonly [ClassShape<Dkim>, ClassShape<DkimSignature>] = [
  { kind: 'dkim', className: 'opendkim.dkim:DKIM', prefix: 'dkim', methods: [], fields: [] },
  {
    kind: 'dkim_sig',
    className: 'opendkim.dkim:DKIM_SIGINFO',
    prefix: 'dkim_sig',
    methods: [],
    fields: [],
  },
]

/** Verifies what is in the message now. */
export async function verifyMessage(
  msg: MessageHandle,
  { outside, nowMs }: Pick<Runtime, 'outside' | 'nowMs'>,
): Promise<readonly Verification[]> {
  assertAlive(msg)
  const content = contentOf(msg)
  const examined = examine(content, Math.floor(nowMs() / 1000), (octets) => charge(0, octets))
  return Promise.all(examined.map((each) => finish(each, content.fields, outside.resolver)))
}

async function finish(
  examined: Examined,
  fields: readonly Field[],
  resolver: Resolver,
): Promise<Verification> {
  const { domain, selector } = examined.signature
  if (examined.problem) return conclude(examined, fields, { kind: 'unknown' })
  const answer = await resolver.ask({ name: `${selector}._domainkey.${domain}`, type: 'TXT' })
  if (answer.kind === 'refused') throw new LuaCallError(`${PREFIX}.verify: ${answer.text}`)
  return conclude(examined, fields, keyAnswer(answer))
}

function keyAnswer(answer: DnsAnswer): KeyAnswer {
  if (answer.kind === 'found') return answer
  const isAbsent = answer.text === 'NXDOMAIN' || answer.text === 'NODATA'
  return { kind: isAbsent ? 'absent' : 'unknown' }
}

/** As libopendkim: a good one makes the message good, else it is what the first is. */
function overall(verifications: readonly Verification[]): number {
  const best = verifications.find(({ status }) => status === 'OK') ?? verifications[0]
  return best ? statOf(best) : DKIM_STAT_NOSIG
}

function statOf({ status }: Verification): number {
  return DKIM_CONSTANTS['opendkim.dkim']?.[`DKIM_STAT_${status}`] ?? OK
}

function reader(name: string, tier: 1 | 2, result: string, doc: string, read: Read) {
  const about = { result: `${result}, number`, tier, doc } as const
  return fn(`${PREFIX}.${name}`, [SIGNATURE], about, (_, [{ verification }]): Multiple =>
    multiple(read(verification), OK),
  )
}

function flagsOf({ status, keyBits, isTest, noSubdomains }: Verification): number {
  return (
    (keyBits > 0 ? DKIM_SIGFLAG_PROCESSED : 0) +
    (status === 'OK' ? DKIM_SIGFLAG_PASSED : 0) +
    (isTest ? DKIM_SIGFLAG_TESTKEY : 0) +
    (noSubdomains ? DKIM_SIGFLAG_NOSUBDOMAIN : 0)
  )
}

/** The author's domain first, else the first one; both with a good signature. */
export function goodDomains(
  verifications: readonly Verification[],
  msg: MessageHandle,
): readonly string[] {
  const [author = ''] = readAddresses(contentOf(msg).fields, 'from', (all) => all)
  const { domain } = splitAddress(author)
  const good = verifications.filter(({ status }) => status === 'OK')
  const domains = [...new Set(good.map(({ signature }) => signature.domain.toLowerCase()))]
  const own = domains.filter((one) => one === domain.toLowerCase())
  return [...own, ...domains.filter((one) => !own.includes(one))]
}
