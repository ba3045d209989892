import { expect, onTestFinished, test } from 'vitest'
import { systemFiles } from '../../src/spool/files.ts'
import { watchSpace } from '../../src/spool/space.ts'
import { makeDirectory } from './fixtures.ts'

async function watch(free: { bytes: number; inodes: number | undefined } | 'unknown') {
  const reports: string[] = []
  const space = await watchSpace({
    directory: '/x',
    files: {
      free: () => (free === 'unknown' ? Promise.reject(new Error()) : Promise.resolve(free)),
    },
    floors: () => ({ freeBytes: 1000, freeInodes: 10 }),
    report: (text) => reports.push(text),
    isThere: () => Promise.resolve(true),
  })
  onTestFinished(() => space.close())
  return { space, reports }
}

test('octets below the floor stop intake, until there is room again', async () => {
  const free = { bytes: 999, inodes: 10 }
  const { space, reports } = await watch(free)
  expect(space.shortage).toBe('999 octets are free, below the floor of 1000')
  await space.check()
  free.bytes = 1000
  await space.check()
  expect(space.shortage).toBeUndefined()
  expect(reports).toEqual([
    'no more mail is taken: 999 octets are free, below the floor of 1000',
    'mail is taken again',
  ])
})

test('room that is only kept for later is given back before intake stops', async () => {
  const free = { bytes: 900, inodes: 10 }
  let kept = 200
  const space = await watchSpace({
    directory: '/spool',
    files: { free: () => Promise.resolve(free) },
    floors: () => ({ freeBytes: 1000, freeInodes: 10 }),
    report: () => {},
    isThere: () => Promise.resolve(true),
    relieve() {
      const isAny = kept > 0
      free.bytes += kept
      kept = 0
      return Promise.resolve(isAny)
    },
  })
  onTestFinished(() => space.close())
  expect(space.shortage).toBeUndefined()
  free.bytes = 900
  await space.check()
  expect(space.shortage).toBe('900 octets are free, below the floor of 1000')
})

test('inodes below the floor stop intake', async () => {
  const { space } = await watch({ bytes: 1000, inodes: 9 })
  expect(space.shortage).toBe('9 inodes are free, below the floor of 10')
})

test('a file system that counts no inodes, or tells nothing, stops nothing', async () => {
  expect((await watch({ bytes: 1000, inodes: undefined })).space.shortage).toBeUndefined()
  expect((await watch('unknown')).space.shortage).toBeUndefined()
})

test('the system tells what is free where the spool is', async () => {
  const { bytes } = await systemFiles.free(makeDirectory())
  expect(bytes).toBeGreaterThan(0)
})

test('while the folder is not there nothing is taken, whatever is free', async () => {
  const reports: string[] = []
  let isThere = true
  const space = await watchSpace({
    directory: '/spool/0',
    files: { free: () => Promise.reject(new Error()) },
    floors: () => ({ freeBytes: 0, freeInodes: 0 }),
    report: (text) => reports.push(text),
    isThere: () => Promise.resolve(isThere),
  })
  onTestFinished(() => space.close())
  isThere = false
  await space.check()
  expect(space.shortage).toBe('the spool /spool/0 was removed, moved or replaced')
  isThere = true
  await space.check()
  expect(space.shortage).toBeUndefined()
  expect(reports).toEqual([
    'no more mail is taken: the spool /spool/0 was removed, moved or replaced',
    'mail is taken again',
  ])
})
