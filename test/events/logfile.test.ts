import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLogFile } from '../../src/events/logfile.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-logfile-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** A disk with so much room, of which more can be made. */
function disk(room: number) {
  const text: string[] = []
  const free = { octets: room }
  const write = (bytes: Buffer, offset: number) => {
    const bytesWritten = Math.min(free.octets, bytes.length - offset)
    free.octets -= bytesWritten
    text.push(bytes.toString('latin1', offset, offset + bytesWritten))
    return bytesWritten > 0
      ? Promise.resolve({ bytesWritten })
      : Promise.reject(new Error('ENOSPC: no space left on device'))
  }
  return { free, text, open: () => Promise.resolve({ write, close: () => Promise.resolve() }) }
}

const open = (on: ReturnType<typeof disk>, onLost: (lines: number) => void = () => {}) =>
  openLogFile({ path: join(folder, 'log'), mode: 0o644, onLost }, on.open)

test('a full disk loses no line and leaves no half of one: writing goes on where it stopped', async () => {
  const full = disk(7)
  const file = await open(full)
  file.write('one')
  file.write('two and more')
  await file.flush()
  expect(full.text.join('')).toBe('one\ntwo')
  file.write('three')
  await file.flush()
  full.free.octets = 1000
  await file.close()
  expect(full.text.join('')).toBe('one\ntwo and more\nthree\n')
})

test('where another process has written meanwhile, the line is written anew', async () => {
  const full = disk(7)
  const shared = {
    ...full,
    open: async () => ({
      ...(await full.open()),
      stat: () => Promise.resolve({ size: full.text.join('').length }),
    }),
  }
  const file = await open(shared)
  file.write('one')
  file.write('two and more')
  await file.flush()
  full.text.push('other\n')
  full.free.octets = 1000
  file.write('three')
  await file.close()
  expect(full.text.join('')).toBe('one\ntwoother\n\ntwo and more\nthree\n')
})

test('lines that there is no memory for either are counted, not noted in the file', async () => {
  const full = disk(0)
  const lost: number[] = []
  const file = await open(full, (lines) => lost.push(lines))
  const megabyte = 'x'.repeat(1024 * 1024)
  for (let i = 0; i < 20; i++) file.write(megabyte)
  await file.flush()
  expect(lost).toEqual([])
  full.free.octets = Infinity
  await file.close()
  expect(lost).toEqual([4])
  expect(full.text.join('')).toBe(`${megabyte}\n`.repeat(16))
})

test('a file that cannot be opened again goes on as it is', async () => {
  let isBroken = false
  const path = join(folder, 'log')
  const { open: openFile } = await import('node:fs/promises')
  const file = await openLogFile({ path, mode: 0o644, onLost: () => {} }, (name) =>
    isBroken ? Promise.reject(new Error('EACCES')) : openFile(name, 'a'),
  )
  isBroken = true
  file.write('before')
  await expect(file.reopen()).rejects.toThrow('EACCES')
  file.write('after')
  await file.close()
  expect(await readFile(path, 'utf8')).toBe('before\nafter\n')
})
