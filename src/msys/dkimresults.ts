// `msys.validate.dkim` of Momentum 3 (manual pages "lua.ref.msys.validate.dkim.get_verify_results" and beside it):
// results in the words of RFC 8601. There the module dkim_validate verified beforehand; here the first
// function that is called for a message does.
import { later } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import { multiple } from '../lua/value.ts'
import type { DkimStatus, Verification } from '../mime/dkimverify.ts'
import { declare, declareField } from './declaration.ts'
import { goodDomains, verifyMessage } from './dkimverify.ts'
import type { ApiObject, MessageHandle, ValidationContext } from './handle.ts'
import { number, object, optional } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import type { ClassShape } from './shape.ts'
import type { Stage } from './stage.ts'

interface Results extends ApiObject {
  readonly kind: 'dkim_results'
  readonly verifications: readonly Verification[]
}

const fn = declare<undefined>()
const field = declareField<Results>()

const STAGES: readonly Stage[] = ['data', 'spool', 'copy']
const MESSAGE = optional(object<MessageHandle>('msg', 'message'))
const VCTX = optional(object<ValidationContext>('vctx', 'vctx'))
const RESULTS = object<Results>('results', 'dkim_results')

/** A status is its place here. */
const WORDS = ['none', 'pass', 'fail', 'policy', 'neutral', 'temperror', 'permerror'] as const

const WORD_OF: Readonly<Record<DkimStatus, (typeof WORDS)[number]>> = {
  OK: 'pass',
  BADSIG: 'fail',
  NOKEY: 'permerror',
  REVOKED: 'permerror',
  CANTVRFY: 'policy',
  SYNTAX: 'neutral',
  NOTIMPLEMENT: 'neutral',
  KEYFAIL: 'temperror',
}

export const DKIM_RESULT_FUNCTIONS = [
  fn(
    'msys.validate.dkim.get_domains',
    [MESSAGE, VCTX],
    {
      result: 'string[]',
      tier: 2,
      stages: STAGES,
      doc: 'domains with a good signature, that of the author first',
    },
    (_, [given], runtime) =>
      later(async () => {
        const msg = messageOf('msys.validate.dkim.get_domains', given, runtime)
        return goodDomains(await verifyMessage(msg, runtime), msg)
      }),
  ),
  fn(
    'msys.validate.dkim.get_responsible_domain',
    [MESSAGE, VCTX],
    {
      result: 'string | nil',
      tier: 2,
      stages: STAGES,
      doc: 'the first of those; nil when there is none',
    },
    (_, [given], runtime) =>
      later(async () => {
        const msg = messageOf('msys.validate.dkim.get_responsible_domain', given, runtime)
        return goodDomains(await verifyMessage(msg, runtime), msg)[0]
      }),
  ),
  fn(
    'msys.validate.dkim.get_verify_results',
    [VCTX],
    {
      result: 'number, results',
      tier: 2,
      stages: STAGES,
      doc: 'how many signatures there are, and how each fared',
    },
    (_, __, runtime) =>
      later(async () => {
        const msg = messageOf('msys.validate.dkim.get_verify_results', undefined, runtime)
        const verifications = await verifyMessage(msg, runtime)
        const results: Results = { kind: 'dkim_results', verifications }
        return multiple(verifications.length, runtime.wrap(results))
      }),
  ),
  fn(
    'msys.validate.dkim.verify_results_get_count',
    [RESULTS],
    { result: 'number', tier: 2, doc: 'how many' },
    (_, [{ verifications }]) => verifications.length,
  ),
  fn(
    'msys.validate.dkim.verify_results_get_item',
    [RESULTS, number('index')],
    {
      result: 'table',
      tier: 2,
      doc: 'one of them, from 0: `status`, `diagnostic`, `query`, `algorithm`, `domain`, `selector`, `identity`',
    },
    (_, [{ verifications }, index]) => {
      const found = verifications[index]
      if (found) return describe(found)
      throw new LuaCallError('Index value is greater than the number of verification results')
    },
  ),
  fn(
    'msys.validate.dkim.verify_status_to_string',
    [number('status')],
    { result: 'string', tier: 2, doc: 'a status as Authentication-Results has it: pass, fail, …' },
    (_, [status]) => WORDS[status] ?? 'none',
  ),
]

export const DKIM_RESULTS: ClassShape<Results> = {
  kind: 'dkim_results',
  className: 'msys.validate.dkim:results',
  prefix: 'dkim_results',
  methods: [],
  fields: [
    field(
      'dkim_results.ref',
      { result: 'number', tier: 2, doc: 'how many refer to it: 1' },
      () => 1,
    ),
  ],
}

function messageOf(
  name: string,
  given: MessageHandle | undefined,
  runtime: Runtime,
): MessageHandle {
  const msg = given ?? runtime.callSite()?.subject?.msg
  if (msg) return msg
  throw new LuaCallError(`${name}: there is no message here`)
}

function describe({ signature, status, text }: Verification): ReadonlyMap<string, string | number> {
  const { query, algorithm, domain, selector, identity } = signature
  return new Map<string, string | number>([
    ['status', WORDS.indexOf(WORD_OF[status])],
    ['diagnostic', status === 'OK' ? 'good signature' : text],
    ...(query === undefined ? [] : [['query', query] as const]),
    ['algorithm', algorithm],
    ['domain', domain],
    ['selector', selector],
    ['identity', identity],
  ])
}
