// What a trace tells of callouts.
import { describe, expect, test } from 'vitest'
import type { CalloutTrace } from '../../src/policy/trace.ts'
import type { CalloutName } from '../../src/policy/phases.ts'
import { policyOf, subjectOf } from '../support/policy.ts'

/** The traces of one callout in modules a, b, …, each with a body of its own. */
async function traceOf(callout: CalloutName, bodies: readonly string[], wants = true) {
  const records: CalloutTrace[] = []
  let clock = 0
  const scripts = bodies.map((body, i) => {
    const name = 'abc'[i] ?? 'x'
    const text = `local M, C = msys.core.VCTX_MESS, msys.core.VCTX_CONN
      local mod = {}
      function mod:${callout}(msg, ac, vctx) ${body} end
      msys.registerModule("${name}", mod)`
    return [name, text] as const
  })
  const { policy, close } = await policyOf(Object.fromEntries(scripts), {
    tracer: {
      wants: () => wants,
      take: (record) => void records.push(record),
      nowMs: () => 5000,
      clockMs: () => clock++,
    },
  })
  const { subject } = subjectOf('Subject: old\r\nTo: a\r\n\r\nbody\r\n')
  await policy.openSession().run(callout, subject)
  await close()
  return records
}

const CONT = 'return msys.core.VALIDATE_CONT'

describe('a trace', () => {
  test('tells what each callout did, and nothing of what it left alone', async () => {
    const [a, b] = await traceOf('validate_data_spool_each_rcpt', [
      `vctx:set(M, "k", "1") vctx:set(C, "c", "2") msg:header("Subject", "new") print("hello") ${CONT}`,
      `vctx:set(M, "k", "3") msg:body("other\\r\\n") return msys.core.VALIDATE_DONE`,
    ])
    expect(a).toEqual({
      connectionId: '00/00-1-9',
      batchId: '00/00-1-A',
      messageId: '00/00-1-A',
      rcptto: 'anna@rcpt.example',
      callout: 'validate_data_spool_each_rcpt',
      module: 'a',
      script: expect.stringMatching(/\/a\.lua$/) as unknown,
      atMs: 5000,
      ms: 1,
      result: 'CONT',
      context: [
        { dictionary: 'connection', name: 'c', before: undefined, after: '2' },
        { dictionary: 'message', name: 'k', before: undefined, after: '1' },
      ],
      header: { removed: ['Subject: old'], added: ['Subject: new'] },
      envelope: [],
      prints: ['hello'],
      outside: [],
    })
    expect(b).toMatchObject({
      module: 'b',
      result: 'DONE',
      context: [{ dictionary: 'message', name: 'k', before: '1', after: '3' }],
      header: { removed: [], added: [] },
      body: { before: 6, after: 7 },
    })
  })

  test('tells the reply that was asked for', async () => {
    const [a, ...more] = await traceOf('validate_data', [`vctx:set_code(550, "no") ${CONT}`, CONT])
    expect(a?.verdict).toEqual({ code: 550, text: 'no', disconnect: false, tarpitSeconds: 0 })
    expect(a?.rcptto).toBe('')
    expect(more).toEqual([])
  })

  test.each([
    ['error("oops")', /^error: .*a\.lua:3: oops/],
    ['return nil', /^nil$/],
    ['return {}', /^a table or object$/],
  ])('tells how it ended: %s', async (body, result) => {
    const [a] = await traceOf('validate_data_spool_each_rcpt', [body])
    expect(a?.result).toMatch(result)
  })

  test('tells of recipients, envelope and MIME parts', async () => {
    const [a] = await traceOf('validate_data_spool_each_rcpt', [
      `msg:routing_domain("other.example") msg:mailfrom("b@b.example")
       for part in msg:mimeparts() do part.body = "new" end ${CONT}`,
    ])
    expect(a?.envelope).toEqual([
      { name: 'mailfrom', before: 'news@sender.example', after: 'b@b.example' },
      { name: 'routing domain', before: 'rcpt.example', after: 'other.example' },
    ])
  })

  test('takes nothing that is not wanted', async () => {
    expect(await traceOf('validate_data', [CONT], false)).toEqual([])
  })
})
