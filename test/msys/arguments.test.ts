// Every function and method of the table with no arguments, with a value of a type that nothing takes, and where it
// does not belong: the error is the declared one, names the function, and is no internal error.
import { describe, expect, test } from 'vitest'
import type { Binding } from '../../src/msys/declaration.ts'
import { isMethod, memberOf, ownerOf } from '../../src/msys/declaration.ts'
import { STAGES, type Stage } from '../../src/msys/stage.ts'
import { CLASSES, FUNCTIONS } from '../../src/msys/table.ts'
import { policyOf, subjectOf } from '../support/policy.ts'

const CALLOUTS: Partial<Record<Stage, string>> = {
  connect: 'validate_connect',
  ehlo: 'validate_ehlo',
  mailfrom: 'validate_mailfrom',
  rcptto: 'validate_rcptto',
  data: 'validate_data',
  spool: 'validate_data_spool',
  copy: 'validate_data_spool_each_rcpt',
  binding: 'validate_set_binding',
  final: 'core_final_validation',
  delivery: 'core_log_delivery_v1',
}

/** What each callout is called with, in Lua's words. */
const PARAMETERS: Readonly<Record<string, string>> = {
  validate_connect: 'ac, vctx',
  validate_ehlo: 'str, ac, vctx',
  validate_mailfrom: 'str, ac, vctx',
  validate_rcptto: 'msg, str, ac, vctx',
  validate_set_binding: 'msg',
  core_final_validation: 'msg, ac, vctx',
  core_log_delivery_v1: 'msg, dr, now, note, note_len',
}

/** What a method is called on: what every callout about a message has, or what makes it there. */
const OBJECTS: Readonly<Record<string, string>> = {
  msg: 'msg',
  vctx: 'vctx',
  ac: 'ac',
  msgpart: 'msg:mime(false)',
  str: 'msys.core.string_new()',
  io_object: 'msg:mime().body',
  timer: 'msys.timer.after(1000, function() end)',
  client: 'msys.http.client.new()',
  c: 'curl.new()',
  doc: 'xml.parsexml("<a/>")',
  node: 'xml.parsexml("<a/>"):root()',
}

const declared: readonly Binding<unknown>[] = [
  ...FUNCTIONS,
  ...CLASSES.flatMap(({ methods }) => methods).filter((binding) => ownerOf(binding) in OBJECTS),
]

/** Those that print, wait, or say what they think of any value at all. */
const TAKES_ANYTHING = /^(print|msys\.type|trim|gethostname)$/

function callOf(binding: Binding<unknown>, args: string): string {
  const self = isMethod(binding) ? (OBJECTS[ownerOf(binding)] ?? '') : ''
  const function_ = isMethod(binding) ? `(${self}).${memberOf(binding)}` : binding.name
  return `${function_}, ${[self, args].filter(Boolean).join(', ')}`.replace(/, $/, '')
}

/** The error of each call in a callout; an empty text where there was none. */
async function errorsIn(stage: Stage, calls: readonly string[]): Promise<readonly string[]> {
  const callout = CALLOUTS[stage]
  const body = calls
    .map((call) => `do local ok, e = pcall(${call}) print(ok and "" or tostring(e)) end`)
    .join('\n')
  const modules = 'for _, m in ipairs { "msys.core", "json", "xml", "curl" } do require(m) end'
  const source =
    callout === undefined
      ? `${modules} local thread = coroutine.create(function() end)\n${body}`
      : `${modules} local mod = {}
         function mod:${callout}(${PARAMETERS[callout] ?? 'msg, ac, vctx'})
           local thread = coroutine.create(function() end)
           ${body}
           return msys.core.VALIDATE_CONT
         end
         msys.registerModule("t", mod)`
  const { policy, panics, close } = await policyOf({ t: source })
  if (callout !== undefined) await policy.openSession().run(callout as never, subjectOf().subject)
  await close()
  return panics.map((line) => line.replace('scriptlet: ', ''))
}

/** What was said in place of what was expected. */
function wrongOnes(errors: readonly string[], expected: readonly (string | RegExp)[]): string[] {
  return expected.flatMap((want, i) => {
    const error = errors[i] ?? ''
    const isRight = typeof want === 'string' ? error.includes(want) : want.test(error)
    return isRight ? [] : [`${String(want)} | ${error}`]
  })
}

function escape(text: string): string {
  return text.replaceAll('.', '\\.')
}

const HOMES = ['copy', 'data', 'connect', 'rcptto', 'binding', 'final', 'delivery', 'load'] as const

/** Of a stage where it may be called. */
function homeOf({ stages }: Binding<unknown>): Stage {
  return HOMES.find((stage) => stages?.includes(stage) ?? true) ?? 'copy'
}

const needsArguments = declared.filter(
  ({ name, parameters = [] }) =>
    parameters.some((parameter) => !/[?]$|^\.\.\./.test(parameter)) && !TAKES_ANYTHING.test(name),
)

const takesTypes = declared.filter(
  ({ name, expects = [] }) =>
    expects.some((type) => type !== 'value') && !TAKES_ANYTHING.test(name),
)

test('there are many', () => {
  expect(needsArguments.length).toBeGreaterThan(190)
  expect(takesTypes.length).toBeGreaterThan(220)
})

describe.each(HOMES)('in %s', (stage) => {
  const isHere = (binding: Binding<unknown>): boolean => homeOf(binding) === stage

  test('without arguments each names its first one', async () => {
    const here = needsArguments.filter(isHere)
    const errors = await errorsIn(
      stage,
      here.map((binding) => callOf(binding, '')),
    )
    const expected = here.map(({ name, parameters = [] }) => {
      const first = parameters.findIndex((parameter) => !/[?]$|^\.\.\./.test(parameter))
      return `${name}: bad argument #${first + 1} (`
    })
    expect(wrongOnes(errors, expected)).toEqual([])
  })

  test('a value of the wrong type is named, also where none is needed', async () => {
    const here = takesTypes.filter(isHere)
    const errors = await errorsIn(
      stage,
      here.map((binding) =>
        callOf(binding, binding.parameters?.map(() => 'thread').join(', ') ?? ''),
      ),
    )
    const expected = here.map(({ name }) => new RegExp(`${escape(name)}: bad argument #\\d+ \\(`))
    expect(wrongOnes(errors, expected)).toEqual([])
  })
})

// A function form of a method asks where its message may be used once it knows the message.
const withStages = declared.filter(
  ({ name, stages }) => stages !== undefined && !name.startsWith('msys.core.ec_message_'),
)

describe.each(Object.keys(CALLOUTS) as Stage[])('what does not belong in %s', (stage) => {
  const foreign = withStages
    .filter(({ stages }) => !stages?.includes(stage))
    .filter((binding) => !isMethod(binding) || objectsIn(stage).has(ownerOf(binding)))

  test('says so', async () => {
    const errors = await errorsIn(
      stage,
      foreign.map((binding) => callOf(binding, 'thread')),
    )
    const where = `is not allowed in ${CALLOUTS[stage]} (only in: `
    expect(
      wrongOnes(
        errors,
        foreign.map(({ name }) => `${name} ${where}`),
      ),
    ).toEqual([])
  })
})

function objectsIn(stage: Stage): ReadonlySet<string> {
  const names = PARAMETERS[CALLOUTS[stage] ?? ''] ?? 'msg, ac, vctx'
  return new Set(names.split(', '))
}

test('every stage of the table is known', () => {
  expect(
    withStages.flatMap(({ stages = [] }) => stages).every((stage) => STAGES.includes(stage)),
  ).toBe(true)
})

test('a method on something else names itself and its object', async () => {
  const methods = declared.filter((binding) => isMethod(binding))
  const errors = await errorsIn(
    'copy',
    methods.map((binding) => `(${OBJECTS[ownerOf(binding)]}).${memberOf(binding)}, "text"`),
  )
  const expected = methods.map(
    (binding) =>
      new RegExp(`calling '${memberOf(binding)}' on bad self \\(\\S+ expected, got string\\)`),
  )
  expect(wrongOnes(errors, expected)).toEqual([])
})
