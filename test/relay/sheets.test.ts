// Memory that is used again: by whom, and by whom not yet.
import type { Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { tryHosts } from '../../src/relay/attempt.ts'
import { openClient } from '../../src/relay/client.ts'
import { makePool } from '../../src/relay/pool.ts'
import { makeSheets } from '../../src/relay/sheets.ts'
import { startPeer } from '../support/peer.ts'
import { PROFILE } from './fakes.ts'

const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

test('what is given back is taken again, for any size up to the next power of two', () => {
  const sheets = makeSheets()
  const first = sheets.take(5000)
  sheets.giveBack(first)
  const second = sheets.take(8192)
  expect([first.length, second.length, second.buffer]).toEqual([5000, 8192, first.buffer])
  expect(sheets.take(8192).buffer).not.toBe(first.buffer)
})

test.each([0, 1, 4095, 262_145, 524_288])('%i octets take no room from sheets', (octets) => {
  const sheets = makeSheets()
  // More than may lie unused.
  for (let given = 0; given < 10_000_000; given += Math.max(octets, 1000)) {
    sheets.giveBack(sheets.take(octets))
  }
  const first = sheets.take(262_144)
  sheets.giveBack(first)
  expect(sheets.take(262_144).buffer).toBe(first.buffer)
})

test('what is not a sheet is not taken', () => {
  const sheets = makeSheets()
  const views = [Buffer.alloc(16_384).subarray(8192), Buffer.alloc(10_000), Buffer.from('x')]
  for (const view of views) sheets.giveBack(view)
  expect(views.map(({ buffer }) => buffer)).not.toContain(sheets.take(8000).buffer)
})

test('no more than eight mebibytes lie unused', () => {
  const sheets = makeSheets()
  const taken = Array.from({ length: 40 }, () => sheets.take(262_144))
  for (const each of taken) sheets.giveBack(each)
  const known = new Set(taken.map(({ buffer }) => buffer))
  const again = Array.from({ length: 40 }, () => sheets.take(262_144))
  expect(again.filter(({ buffer }) => known.has(buffer))).toHaveLength(32)
})

test.each([
  ['all of it was taken', { message: '250 ok' }, true],
  ['the peer refused while it was on its way', { DATA: refuseEarly }, false],
  ['the connection was lost', { message: 'drop' }, false],
])('a socket holds nothing of a message when %s: %o is %s', async (_, script, hasLeft) => {
  const peer = await startPeer({ EHLO: '250-peer\r\n250 PIPELINING', ...script })
  ends.push(peer.close)
  const pool = makePool((host, profile) => openClient({ id: 'c', ...host, profile }))
  const hosts = [{ name: 'peer', address: '127.0.0.1', port: peer.port }]
  const bytes = Buffer.from('x'.repeat(78).concat('\r\n').repeat(100_000))
  const message = { mailfrom: 'a@b.example', recipients: ['c@d.example'], bytes }
  const tried = await tryHosts(
    pool,
    { hosts, profile: PROFILE, way: { routingDomain: 'd.example' } },
    message,
    0,
    () => true,
  )
  await pool.close()
  expect(tried.hasLeft).toBe(hasLeft)
})

/** Goes ahead, reads no more, and refuses. */
function refuseEarly(socket: Socket): void {
  socket.pause()
  socket.removeAllListeners('data')
  socket.write('354 go\r\n')
  setTimeout(() => socket.write('552 5.3.4 too much\r\n'), 50)
}
