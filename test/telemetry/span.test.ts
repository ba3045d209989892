import { expect, test } from 'vitest'
import { exportRequest } from '../../src/telemetry/otlp.ts'
import { isSampledBy, readTraceparent, traceparentOf } from '../../src/telemetry/span.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

test('a traceparent is read and written', () => {
  const context = { traceId: TRACE, spanId: SPAN, isSampled: true }
  expect(readTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual(context)
  expect(traceparentOf(context)).toBe(`00-${TRACE}-${SPAN}-01`)
  expect(readTraceparent(`00-${TRACE}-${SPAN}-00`)?.isSampled).toBe(false)
  expect(readTraceparent(`cc-${TRACE}-${SPAN}-03-more`)?.isSampled).toBe(true)
})

test.each([
  '',
  'x',
  `ff-${TRACE}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE.toUpperCase()}-${SPAN}-01`,
])('%j is none', (text) => {
  expect(readTraceparent(text)).toBeUndefined()
})

test('the ratio decides by the id, so everywhere the same', () => {
  expect(isSampledBy(1, 'f'.repeat(32))).toBe(true)
  expect(isSampledBy(0, '0'.repeat(32))).toBe(false)
  expect(isSampledBy(0.5, `${'0'.repeat(20)}7${'f'.repeat(11)}`)).toBe(true)
  expect(isSampledBy(0.5, `${'0'.repeat(20)}8${'0'.repeat(11)}`)).toBe(false)
})

test('a span is written as OTLP has it in JSON', () => {
  const text = exportRequest(
    { 'service.name': 'mail', pid: 7 },
    { name: 'eachrcpt', version: '1' },
    [
      {
        traceId: TRACE,
        spanId: SPAN,
        parentId: '1'.repeat(16),
        isSampled: true,
        name: 'smtp.message',
        kind: 'server',
        startMs: 1_795_649_419_019.25,
        endMs: 1_795_649_419_020,
        attributes: { code: 451, share: 0.5, aborted: false },
        error: 'temporary',
      },
    ],
  )
  expect(JSON.parse(text)).toEqual({
    resourceSpans: [
      {
        resource: {
          attributes: [
            { key: 'service.name', value: { stringValue: 'mail' } },
            { key: 'pid', value: { intValue: '7' } },
          ],
        },
        scopeSpans: [
          {
            scope: { name: 'eachrcpt', version: '1' },
            spans: [
              {
                traceId: TRACE,
                spanId: SPAN,
                parentSpanId: '1'.repeat(16),
                flags: 1,
                name: 'smtp.message',
                kind: 2,
                startTimeUnixNano: '1795649419019250000',
                endTimeUnixNano: '1795649419020000000',
                attributes: [
                  { key: 'code', value: { intValue: '451' } },
                  { key: 'share', value: { doubleValue: 0.5 } },
                  { key: 'aborted', value: { boolValue: false } },
                ],
                status: { code: 2, message: 'temporary' },
              },
            ],
          },
        ],
      },
    ],
  })
})
