import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deliverToMaildir } from '../../src/relay/maildir.ts'

const COPY = {
  mailfrom: 'a@from.test',
  rcptto: 'b@to.test',
  bytes: Buffer.from('X: y\r\n\r\nz\r\n'),
}

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'maildir-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('puts the message into new/, with the envelope on top', async () => {
  const path = join(folder, 'some', 'box')
  expect(await deliverToMaildir(path, '1.00-a/b', COPY)).toMatchObject({ kind: 'delivered' })
  expect(await readdir(path)).toEqual(['cur', 'new', 'tmp'])
  expect(await readdir(join(path, 'tmp'))).toEqual([])
  expect(await readFile(join(path, 'new', '1.00-a_b'), 'latin1')).toBe(
    'Return-Path: <a@from.test>\r\nDelivered-To: b@to.test\r\nX: y\r\n\r\nz\r\n',
  )
})

test('writes the null sender, and no line that an address brings along', async () => {
  await deliverToMaildir(folder, 'n', { ...COPY, mailfrom: '', rcptto: 'b\r\nEvil: 1' })
  expect(await readFile(join(folder, 'new', 'n'), 'latin1')).toBe(
    'Return-Path: <>\r\nDelivered-To: b  Evil: 1\r\nX: y\r\n\r\nz\r\n',
  )
})

test('replaces a copy that is delivered again', async () => {
  await deliverToMaildir(folder, 'n', COPY)
  await deliverToMaildir(folder, 'n', COPY)
  expect(await readdir(join(folder, 'new'))).toEqual(['n'])
})

test('cannot be led out of the folder by a name', async () => {
  await deliverToMaildir(folder, '../../n', COPY)
  expect(await readdir(join(folder, 'new'))).toEqual(['.._.._n'])
})

test('defers what the disk does not take', async () => {
  const path = join(folder, 'file')
  await writeFile(path, '')
  expect(await deliverToMaildir(path, 'n', COPY)).toMatchObject({
    kind: 'deferred',
    text: '451 4.2.0 [internal] maildir: ENOTDIR',
  })
})
