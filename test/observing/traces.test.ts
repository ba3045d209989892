// Traces of a running server: which are taken, kept, found and written.
import { describe, expect, test } from 'vitest'
import type { LogFile } from '../../src/events/logfile.ts'
import type { CalloutTrace } from '../../src/policy/trace.ts'
import { openTraces, type TraceChoice } from '../../src/observing/traces.ts'

const SESSION = '00/00-1-00000001'
const BATCH = '00/00-1-00000002'

function record(more: Partial<CalloutTrace> = {}): CalloutTrace {
  return {
    connectionId: SESSION,
    batchId: BATCH,
    messageId: BATCH,
    rcptto: '',
    callout: 'validate_data',
    module: 'm',
    script: '/p/m.lua',
    atMs: 1,
    ms: 2,
    result: 'CONT',
    context: [],
    header: { removed: [], added: [] },
    envelope: [],
    prints: [],
    outside: [],
    ...more,
  }
}

/** What one session does: greeting, data, copies of Anna and Ben. */
const STORY = [
  record({ batchId: '', messageId: '', callout: 'validate_connect' }),
  record(),
  record({ rcptto: 'anna@a.example', callout: 'validate_data_spool_each_rcpt' }),
  record({ messageId: '10/00-1-00000002', rcptto: 'ben@b.example', result: 'error: x' }),
]

function tracesOf(choice: TraceChoice, records: readonly CalloutTrace[] = STORY) {
  const lines: string[] = []
  const file = { write: (line: string) => void lines.push(line) } as unknown as LogFile
  const traces = openTraces({ choice, file })
  for (const one of records) if (traces.wants(one.connectionId)) traces.take(one)
  const told = lines.map((line) => JSON.parse(line) as CalloutTrace)
  return { traces, lines, told: told.map(({ callout, rcptto }) => rcptto || callout) }
}

describe('traces', () => {
  test('are off unless one in so many sessions is asked for', () => {
    expect(tracesOf({ sample: 0 }).told).toEqual([])
    expect(tracesOf({ sample: 1 }).told).toHaveLength(4)
    const { traces } = tracesOf({ sample: 3 })
    const wanted = ['00000001', '00000002', '00000003', '0000000C', '0000000D'].filter((number) =>
      traces.wants(`00/00-1-${number}`),
    )
    expect(wanted).toEqual(['00000003', '0000000C'])
  })

  test.each([
    ['anna@a.example', ['validate_connect', 'validate_data', 'anna@a.example']],
    ['*@B.example', ['validate_connect', 'validate_data', 'ben@b.example']],
    [SESSION, ['validate_connect', 'validate_data', 'anna@a.example', 'ben@b.example']],
    ['nobody@a.example', []],
    ['a.na@a.example', []],
  ])('that are about %s come with what the session did before', (about, told) => {
    expect(tracesOf({ sample: 1, about }).told).toEqual(told)
  })

  test.each([
    ['a session', SESSION, 4],
    ['a reception', BATCH, 4],
    ['a copy, with what came before it', '10/00-1-00000002', 3],
    ['a copy, dots for slashes', '10.00-1-00000002', 3],
    ['nothing of others', '00/00-1-00000009', 0],
  ])('are found by the id of %s', (_, id, count) => {
    const { traces } = tracesOf({ sample: 1 })
    expect(traces.find(id)).toHaveLength(count)
  })

  test('list receptions, the latest first', () => {
    const later = record({ batchId: 'b2', atMs: 9 })
    const { traces } = tracesOf({ sample: 1 }, [...STORY, later])
    expect(traces.recent()).toEqual([
      { batchId: 'b2', connectionId: SESSION, rcpttos: [], atMs: 9, callouts: 1, failures: 0 },
      {
        batchId: BATCH,
        connectionId: SESSION,
        rcpttos: ['anna@a.example', 'ben@b.example'],
        atMs: 1,
        callouts: 3,
        failures: 1,
      },
    ])
  })

  test('keep a bounded number of records, and no endless texts', () => {
    const records = Array.from({ length: 12_000 }, (_, i) => record({ batchId: `b${i}` }))
    const { traces } = tracesOf({ sample: 1 }, [
      ...records,
      record({ batchId: 'long', prints: Array.from({ length: 500 }, () => 'x'.repeat(5000)) }),
    ])
    expect(traces.find('b0')).toEqual([])
    expect(traces.recent().length).toBeLessThanOrEqual(10_000)
    const [long] = traces.find('long')
    expect(long?.prints).toHaveLength(100)
    expect(long?.prints[0]).toHaveLength(2001)
  })

  test('are written as UTF-8 text', () => {
    const octets = Buffer.from('Grüße').toString('latin1')
    const { lines } = tracesOf({ sample: 1 }, [record({ prints: [octets] })])
    expect(Buffer.from(lines[0] ?? '', 'latin1').toString()).toContain('"prints":["Grüße"]')
  })
})
