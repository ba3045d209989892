import { expect, test } from 'vitest'
import { makeExporter } from '../../src/telemetry/exporter.ts'
import type { Span } from '../../src/telemetry/span.ts'
import { telemetrySettings } from '../../src/telemetry/settings.ts'

const span = (name: string): Span => ({
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  parentId: undefined,
  isSampled: true,
  name,
  kind: 'internal',
  startMs: 0,
  endMs: 1,
  attributes: {},
})

function exporterOn(answers: (number | Error)[], environment: Record<string, string> = {}) {
  const settings = telemetrySettings({ OTEL_TRACES_EXPORTER: 'otlp', ...environment }, () => {})
  if (!settings) throw new Error('off')
  const sent: string[][] = []
  const warnings: string[] = []
  const timers: { ms: number; call: () => void }[] = []
  const exporter = makeExporter({
    settings,
    scope: { name: 'x', version: '1' },
    send(body) {
      const names = [...body.toString().matchAll(/"name":"(s\d+)"/g)].map(([, name]) => name ?? '')
      sent.push(names)
      const answer = answers.shift() ?? 200
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    },
    after(ms, call) {
      // Delays between attempts are over at once; the one of a batch when the test says so.
      if (ms === settings.delayMs) timers.push({ ms, call })
      else queueMicrotask(call)
      return () => {}
    },
    warn: (text) => warnings.push(text),
    stopped: new AbortController().signal,
  })
  return { exporter, sent, warnings, timers }
}

test('a batch waits for its time, or until it is full', async () => {
  const { exporter, sent, timers } = exporterOn([], { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' })
  exporter.take(span('s1'))
  expect([sent, timers.length]).toEqual([[], 1])
  exporter.take(span('s2'))
  exporter.take(span('s3'))
  await exporter.flush()
  expect(sent).toEqual([['s1', 's2'], ['s3']])
})

test('what may pass is tried again, what does not is dropped and told once', async () => {
  const { exporter, sent, warnings } = exporterOn([503, new Error('gone'), 200, 400, 400, 200])
  for (const name of ['s1', 's2', 's3', 's4']) {
    exporter.take(span(name))
    await exporter.flush()
  }
  expect(sent).toEqual([['s1'], ['s1'], ['s1'], ['s2'], ['s3'], ['s4']])
  expect(exporter.dropped).toBe(2)
  expect(warnings).toEqual(['traces are dropped: answered 400', 'traces get through again'])
})

test('what does not get through does not pile up', async () => {
  const { exporter, warnings } = exporterOn([], { OTEL_BSP_MAX_QUEUE_SIZE: '3' })
  for (let i = 0; i < 5; i++) exporter.take(span(`s${i}`))
  expect(exporter.dropped).toBe(2)
  expect(warnings).toEqual(['traces are dropped: more come than get through'])
  await exporter.flush()
})
