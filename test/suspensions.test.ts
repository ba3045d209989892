import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../src/config/load.ts'
import { openSuspensions } from '../src/suspensions.ts'
import { suspendCommand } from '../src/console/suspend.ts'

const options = { lenient: false, defaultHostname: 'us.test', folder: '/conf' }
const CONFIG = parseConfig('', 'e.conf', options).config

function makePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'suspensions-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'suspended')
}

test('what is suspended is so in the configuration, and at the next start', async () => {
  const path = makePath()
  const first = await openSuspensions(path)
  expect(await first.suspend({ kind: 'domain', name: 'X.example' })).toBe(true)
  expect(await first.suspend({ kind: 'domain', name: 'x.example' })).toBe(false)
  await first.suspend({ kind: 'domain', name: '.big.example' })
  await first.suspend({ kind: 'binding', name: 'one' })
  expect(readdirSync(join(path, '..'))).toEqual(['suspended'])
  expect(readFileSync(path, 'utf8')).toBe('domain x.example\ndomain .big.example\nbinding one\n')
  for (const each of [first, await openSuspensions(path)]) {
    const { outbound } = each.apply(CONFIG)
    const isHeld = (domain: string, binding = 'default') =>
      outbound(domain, { binding, group: 'g' }).suspendDelivery
    expect(isHeld('x.example')).toBe(true)
    expect(isHeld('a.x.example')).toBe(false)
    expect(isHeld('big.example')).toBe(true)
    expect(isHeld('a.b.big.example')).toBe(true)
    expect(isHeld('notbig.example')).toBe(false)
    expect(isHeld('y.example', 'one')).toBe(true)
    expect(isHeld('y.example')).toBe(false)
  }
})

test('the name servers of the configuration stay', async () => {
  const { apply } = await openSuspensions(makePath())
  const { config } = parseConfig('dns_servers = ( "192.0.2.53" )', 'e.conf', options)
  expect(apply(config).dnsServers).toEqual(['192.0.2.53'])
  expect(apply(CONFIG).dnsServers).toEqual([])
})

test('the console says what it does, and what it is asked for', async () => {
  const suspensions = await openSuspensions(makePath())
  let changes = 0
  suspensions.watch(() => changes++)
  const say = async (...argv: string[]) => (await suspendCommand(suspensions, argv))?.text
  expect(await say('suspend', 'domain', 'x.example')).toBe(
    'delivery to domain x.example is suspended\n',
  )
  expect(await say('suspend', 'domain', 'x.example')).toBe(
    'delivery to domain x.example is suspended already\n',
  )
  expect(await say('suspend', 'binding', 'one')).toBe('delivery by binding one is suspended\n')
  expect(await say('suspend')).toBe('domain x.example\nbinding one\n')
  expect(await say('resume', 'domain', 'x.example')).toBe(
    'delivery to domain x.example is resumed\n',
  )
  expect(await say('resume', 'domain', 'x.example')).toBe(
    'delivery to domain x.example is not suspended\n',
  )
  expect(await say('resume', 'host', 'x')).toBe('usage: resume domain|binding NAME\n')
  expect(await say('summary')).toBeUndefined()
  expect(changes).toBe(3)
})
