// The dialect, snippet by snippet: probes.jsonl holds what the interpreter that is followed prints or
// raises. NOT_YET lists the rows that differ; one of them that starts to pass must leave the list.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { LuaError } from '../../src/lua/error.ts'
import { testHost } from './host.ts'

interface Probe {
  readonly id: string
  readonly topic: string
  readonly code: string
  readonly expect?: string
  readonly error?: string
}

const NOT_YET: readonly string[] = []

const probes = readFileSync(new URL('probes.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line): Probe => JSON.parse(line))
  .filter(({ id }) => id !== undefined)

test.each(probes.map((probe) => [probe.id, probe] as const))('%s', (id, probe) => {
  const matches = outcome(probe.code) === expected(probe)
  if (NOT_YET.includes(id)) expect(matches, `${id} passes now: take it off the list`).toBe(false)
  else expect(outcome(probe.code), probe.code).toBe(expected(probe))
})

test('there are enough probes to mean something', () => {
  expect(probes.length).toBeGreaterThan(390)
})

const expected = (probe: Probe): string =>
  probe.error === undefined ? (probe.expect ?? '') : `error: ${probe.error}`

function outcome(code: string): string {
  const host = testHost()
  try {
    // The snippets were files, which end with a line end.
    void host.state.call(host.state.load(Buffer.from(`${code}\n`), 'probe'), [])
  } catch (error) {
    if (!(error instanceof LuaError)) throw error
    return `error: ${error.message.replace(/^(?:\[string .*?\]|[^:\s]*):\d+: /, '')}`
  }
  return host.printed.map((line) => `${line}\n`).join('')
}
