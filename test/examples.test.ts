// What stands in examples/ for those who run the server: read by the programs it is for, where they are here.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../src/config/load.ts'
import { watchGauges } from '../src/observing/gauges.ts'
import { makeInstruments } from '../src/observing/instruments.ts'
import { hasPromtool, promtool } from './support/promtool.ts'

const EXAMPLES = new URL('../examples/', import.meta.url).pathname
const read = (path: string): string => readFileSync(join(EXAMPLES, path), 'utf8')

test('the configuration of the compose file loads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eachrcpt-example-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'key'), 'a'.repeat(64))
  const text = read('docker/ecelerity.conf').replace('/run/secrets/tracking_key', 'key')
  const options = { lenient: false, defaultHostname: 'node1.example', folder }
  const { config, warnings } = parseConfig(text, 'ecelerity.conf', options)
  expect(warnings).toEqual([])
  expect(config.hostname).toBe('node1.example')
  expect(config.outbound('rcpt.example').maildir).toBe('/spool/maildir')
  expect(config.smtp[0]?.options('172.17.0.1').canRelay).toBe(true)
})

test.skipIf(!hasPromtool)('promtool takes the alerts', () => {
  expect(promtool(['check', 'rules', join(EXAMPLES, 'prometheus/rules.yaml')])).toBe('')
})

test.each(['prometheus/rules.yaml', 'prometheus/dashboard.json'])(
  '%s asks for metrics that there are',
  (path) => {
    const asked = read(path).matchAll(
      /\b(?:eachrcpt|process|nodejs)_[a-z_]+\b(?=[{[( \])]| *[<>=])/g,
    )
    const names = new Set(
      [...asked].map(([name]) => name.replace(/(?<=_seconds)_(?:bucket|sum|count)$/, '')),
    )
    expect(names.size).toBeGreaterThan(8)
    expect([...names].filter((name) => !metrics().has(name))).toEqual([])
  },
)

function metrics(): Set<string> {
  const { registry } = makeInstruments()
  const gauges = watchGauges(registry, {
    census: { all: () => [] },
    spool: { backlog: () => ({ messages: 0, oldestMs: undefined }) },
    space: { free: undefined },
    dispatcher: { lanes: () => [] },
    events: { backlog: () => [] },
    notReady: () => undefined,
    now: () => 0,
  })
  const { families } = gauges.snapshot()
  gauges.close()
  return new Set(families.map(({ name }) => name))
}
