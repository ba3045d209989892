// The dialect, snippet by snippet: what the interpreter that is followed prints or raises. The first file
// is data of its own; the second completes it.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { LuaError } from '../../src/lua/error.ts'
import { testHost } from './host.ts'

interface Probe {
  readonly id: string
  readonly topic: string
  readonly code: string
  readonly expect?: string
  readonly error?: string
}

describe.each([
  ['lua-probes.jsonl', 399],
  ['dialect-probes.jsonl', 130],
])('%s', (name, count) => {
  const probes = readFileSync(new URL(`../corpus/${name}`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map((line): Probe => JSON.parse(line))
    .filter(({ id }) => id !== undefined)

  test('is read whole', () => expect(probes).toHaveLength(count))

  test.each(probes.map((probe) => [probe.id, probe.topic, probe] as const))(
    '%s %s',
    (_id, _topic, probe) => {
      expect(outcome(probe.code), probe.code).toBe(expected(probe))
    },
  )
})

const expected = (probe: Probe): string =>
  probe.error === undefined ? (probe.expect ?? '') : `error: ${probe.error}`

function outcome(code: string): string {
  const host = testHost()
  try {
    // The snippets were files, which end with a line end.
    const run =
      'local chunk, problem = loadstring(..., "@probe") if not chunk then error(problem, 0) end chunk()'
    host.run(run, Buffer.from(`${code}\n`).toString('latin1'))
  } catch (error) {
    if (!(error instanceof LuaError)) throw error
    return `error: ${error.message.replace(/^(?:\[string .*?\]|[^:\s]*):\d+: /, '')}`
  }
  return host.printed.map((line) => `${line}\n`).join('')
}
