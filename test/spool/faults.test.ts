import {
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Stored } from '../../src/spool/stored.ts'
import { packEntry } from '../../src/spool/entry.ts'
import { crc32c } from '../../src/spool/crc32c.ts'
import type { FileSystem } from '../../src/spool/files.ts'
import { sealRecord, startRecord } from '../../src/spool/record.ts'
import { FORMAT_VERSION, segmentHeader, segmentName } from '../../src/spool/segment.ts'
import {
  type Operation,
  entryFor,
  faultyFiles,
  idsOf,
  makeDirectory,
  open,
  quarantined,
  segmentFiles,
} from './fixtures.ts'

const DATA = Buffer.from('Subject: x\r\n\r\nbody\r\n')

/** A spool in which three entries were stored, and where they are. */
async function threeEntries(): Promise<{ directory: string; stored: Stored[]; path: string }> {
  const directory = makeDirectory()
  const spool = await open(directory)
  const stored: Stored[] = []
  for (const id of ['m1', 'm2', 'm3']) stored.push(await spool.append(entryFor(id), DATA))
  await spool.close()
  return { directory, stored, path: join(directory, stored[0]!.location.file) }
}

function flipBit(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at)
  writeFileSync(path, bytes)
}

/** Without making the file anew: the spool has it open. */
function writeInPlace(path: string, bytes: Buffer, position: number): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, position)
  closeSync(file)
}

/** A disk on which a file can grow to so many octets. */
function withRoom(files: FileSystem, mostOctets: number): FileSystem {
  return {
    ...files,
    open: async (path, mode) => {
      const file = await files.open(path, mode)
      const writev: typeof file.writev = async (buffers, position) => {
        const end = buffers.reduce((at, { length }) => at + length, position)
        if (end <= mostOctets || path.endsWith('reserve')) return file.writev(buffers, position)
        throw Object.assign(new Error('ENOSPC: made to fail'), { code: 'ENOSPC' })
      }
      return { ...file, writev }
    },
  }
}

/** A disk that takes all of a write and fails nevertheless. */
function takingAll(files: FileSystem): FileSystem {
  return {
    ...files,
    open: async (path, mode) => {
      const file = await files.open(path, mode)
      return {
        ...file,
        writev: async (buffers, position) => {
          try {
            await file.writev(buffers, position)
          } catch (error) {
            writeInPlace(path, Buffer.concat(buffers), position)
            throw error
          }
        },
      }
    },
  }
}

describe('a flipped bit', () => {
  test.each(['start', 'dataStart'] as const)(
    'at the %s of a record costs that record alone, which is kept',
    async (place) => {
      const { directory, stored, path } = await threeEntries()
      const { location } = stored[1]!
      const damaged = readFileSync(path)
      damaged.writeUInt8(damaged.readUInt8(location[place]) ^ 0x10, location[place])
      writeFileSync(path, damaged)

      const spool = await open(directory)
      expect(await idsOf(spool)).toEqual(['m1', 'm3'])
      const [kept] = quarantined(directory)
      const end = location.dataStart + location.dataBytes
      expect(readFileSync(join(directory, 'quarantine', kept!))).toEqual(
        damaged.subarray(location.start, end),
      )
      expect(spool.reports).toHaveLength(1)
      expect(spool.reports[0]).toContain(`damage in octets ${location.start} to ${end} of ${path}`)
    },
  )

  test('in the data of a message is reported with the message it hit', async () => {
    const { directory, stored, path } = await threeEntries()
    flipBit(path, stored[1]!.location.dataStart + 3)
    const { reports } = await open(directory)
    expect(reports[0]).toContain('message m2 from <sender@example.com> to a@example.com')
  })

  test('is reported once, and its record outlives the segment', async () => {
    const { directory, stored, path } = await threeEntries()
    flipBit(path, stored[1]!.location.start)
    await (await open(directory)).close()
    const again = await open(directory)
    expect(again.reports).toEqual([])
    for (const each of again.recovered) again.finish(each, [0])
    await again.flush()
    expect(segmentFiles(directory)).not.toContain(stored[0]!.location.file)
    expect(quarantined(directory)).toHaveLength(1)
  })

  test('that is found when the message is read takes it out of the queue', async () => {
    const directory = makeDirectory()
    const spool = await open(directory)
    const stored = await spool.append(entryFor('m1'), DATA)
    const path = join(directory, stored.location.file)
    writeInPlace(path, Buffer.from('?'), stored.location.dataStart)
    await expect(spool.read(stored)).rejects.toMatchObject({ kind: 'damaged' })
    expect(stored.copies[0]?.done).toBe(true)
    expect(quarantined(directory)).toHaveLength(1)
    expect(spool.reports[0]).toMatch(/message m1 .* is damaged and will not be sent: kept in/)
  })
})

describe('the end of a segment', () => {
  test('that was cut short costs nothing else', async () => {
    const { directory, stored, path } = await threeEntries()
    writeFileSync(path, readFileSync(path).subarray(0, stored[2]!.location.dataStart + 2))
    const spool = await open(directory)
    expect(await idsOf(spool)).toEqual(['m1', 'm2'])
    expect(spool.reports[0]).toContain('a write cut short in octets')
    await spool.append(entryFor('m4'), DATA)
    await spool.close()
    expect(await idsOf(await open(directory))).toEqual(['m1', 'm2', 'm4'])
  })

  test.each([
    ['an empty file', Buffer.alloc(0), 0],
    ['a file of zeros', Buffer.alloc(10_000), 0],
    ['a file of something else', Buffer.from('something else'.repeat(10)), 2],
  ])('%s in place of a segment does not stop the others', async (_, bytes, kept) => {
    const { directory } = await threeEntries()
    writeFileSync(join(directory, '0000000009-01020304.log'), bytes)
    const spool = await open(directory)
    expect(await idsOf(spool)).toEqual(['m1', 'm2', 'm3'])
    expect(quarantined(directory)).toHaveLength(kept)
    await spool.append(entryFor('m4'), DATA)
    expect(segmentFiles(directory).at(-1)?.slice(0, 10)).toBe('0000000010')
  })

  test('a record that says nothing we know is kept, and its segment left as it is', async () => {
    const directory = makeDirectory()
    const segment = { number: 9, salt: Buffer.from('01020304', 'hex') }
    const known = { entry: packEntry(entryFor('m1')) }
    const records = [known, { entry: { version: 9 } }].map((meta, i) => {
      const head = startRecord('entry', JSON.stringify(meta))
      sealRecord(head, segment, i + 1)
      return head
    })
    const path = join(directory, segmentName(segment))
    const bytes = Buffer.concat([segmentHeader(segment, 1), ...records, Buffer.alloc(1000)])
    writeFileSync(path, bytes)
    for (const reports of [1, 0]) {
      const spool = await open(directory)
      expect(spool.reports).toHaveLength(reports)
      expect(await idsOf(spool)).toEqual(['m1'])
      await spool.close()
      expect(readFileSync(path)).toEqual(bytes)
    }
    expect(quarantined(directory)).toHaveLength(1)
  })

  test('a segment that cannot be read is left, and the others are used', async () => {
    const { directory } = await threeEntries()
    mkdirSync(join(directory, '0000000009-01020304.log'))
    const spool = await open(directory)
    expect(await idsOf(spool)).toEqual(['m1', 'm2', 'm3'])
    expect(spool.reports[0]).toContain('it is left as it is')
    await spool.flush()
    expect(segmentFiles(directory)).toContain('0000000009-01020304.log')
  })
})

describe('a spool of a newer version', () => {
  test('is refused and left untouched', async () => {
    const { directory, path } = await threeEntries()
    const bytes = readFileSync(path)
    bytes.writeUInt32LE(FORMAT_VERSION + 1, 8)
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 12)), 12)
    writeFileSync(path, bytes)
    const before = readdirSync(directory)
    await expect(open(directory)).rejects.toMatchObject({
      kind: 'newer format',
      message: expect.stringContaining(`${path} has format ${FORMAT_VERSION + 1}`),
    })
    expect(readdirSync(directory)).toEqual(before)
    expect(readFileSync(path)).toEqual(bytes)
  })
})

describe('a spool of the version before', () => {
  test('is read, and what comes is written as this version does', async () => {
    const { directory, path } = await threeEntries()
    const bytes = readFileSync(path)
    bytes.writeUInt32LE(1, 8)
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 12)), 12)
    bytes.writeUInt32LE(crc32c(bytes.subarray(0, 32)), 32)
    writeFileSync(path, bytes)
    const spool = await open(directory)
    expect(spool.recovered).toHaveLength(3)
    expect(spool.reports).toEqual([])
    await spool.append(entryFor('new'), DATA)
    const newest = segmentFiles(directory).at(-1) ?? ''
    expect(readFileSync(join(directory, newest)).readUInt32LE(8)).toBe(FORMAT_VERSION)
  })
})

describe('a disk without room', () => {
  test.each(['ENOSPC', 'EDQUOT'])('%s rejects what it cannot take and recovers', async (code) => {
    const files = faultyFiles()
    const directory = makeDirectory()
    const spool = await open(directory, { files })
    await spool.append(entryFor('m1'), DATA)
    files.fail('writev', code)
    const rejected = [spool.append(entryFor('m2'), DATA), spool.append(entryFor('m3'), DATA)]
    for (const each of rejected) await expect(each).rejects.toMatchObject({ kind: 'no room' })
    expect(spool.failure).toBeUndefined()
    files.fail('writev', undefined)
    const stored = await spool.append(entryFor('m4'), DATA)
    expect(await spool.read(stored)).toEqual(DATA)
    await spool.close()
    const again = await open(directory)
    expect(await idsOf(again)).toEqual(['m1', 'm4'])
    expect(again.reports).toEqual([])
  })

  test('leaves nothing of a message that was refused, even if all of it was written', async () => {
    const files = faultyFiles()
    const directory = makeDirectory()
    const spool = await open(directory, { files: takingAll(files) })
    await spool.append(entryFor('m1'), DATA)
    files.fail('writev', 'ENOSPC')
    await expect(spool.append(entryFor('m2'), DATA)).rejects.toMatchObject({ kind: 'no room' })

    const crashed = makeDirectory()
    cpSync(directory, crashed, { recursive: true })
    rmSync(join(crashed, 'lock'))
    const again = await open(crashed)
    expect(await idsOf(again)).toEqual(['m1'])
    expect(again.reports).toEqual([])
  })

  test('is no reason to forget progress', async () => {
    const files = faultyFiles()
    const directory = makeDirectory()
    const spool = await open(directory, { files })
    const stored = await spool.append(entryFor('m1'), DATA)
    files.fail('writev', 'ENOSPC')
    spool.finish(stored, [0])
    await expect(spool.append(entryFor('m2'), DATA)).rejects.toMatchObject({ kind: 'no room' })
    files.fail('writev', undefined)
    await spool.close()
    expect((await open(directory)).recovered).toEqual([])
  })

  test('is made room on by emptying the segment in which all is finished', async () => {
    const files = faultyFiles()
    const directory = makeDirectory()
    const spool = await open(directory, { files: withRoom(files, 5000) })
    const large = Buffer.alloc(1200, 'x')
    const first = await spool.append(entryFor('m1'), large)
    const second = await spool.append(entryFor('m2'), large)
    const third = spool.append(entryFor('m3'), Buffer.alloc(2400))
    await expect(third).rejects.toMatchObject({ kind: 'no room' })
    // With one of them unfinished nothing may go.
    spool.finish(first, [0])
    await expect(spool.append(entryFor('m4'), Buffer.alloc(2400))).rejects.toThrow('cannot write')
    spool.finish(second, [0])
    await spool.append(entryFor('m5'), large)
    await spool.close()
    const again = await open(directory)
    expect(await idsOf(again)).toEqual(['m5'])
    expect(again.reports).toEqual([])
  })

  test('from the start is started on with what was kept in reserve', async () => {
    const directory = makeDirectory()
    const before = await open(directory)
    await before.append(entryFor('m1'), DATA)
    await before.close()
    const files = faultyFiles()
    files.fail('writev', 'ENOSPC')
    const remove = async (path: string): Promise<void> => {
      await files.remove(path)
      if (path.endsWith('reserve')) files.fail('writev', undefined)
    }
    const spool = await open(directory, { files: { ...files, remove } })
    expect(await idsOf(spool)).toEqual(['m1'])
  })

  test('and without descriptors for a new segment lets the old ones be', async () => {
    const files = faultyFiles()
    const directory = makeDirectory()
    const spool = await open(directory, { files, segmentBytes: 1000 })
    files.fail('open', 'EMFILE')
    const large = Buffer.alloc(2000)
    await expect(spool.append(entryFor('m1'), large)).rejects.toMatchObject({ kind: 'no room' })
    expect(spool.failure).toBeUndefined()
    await spool.append(entryFor('m2'), DATA)
  })
})

describe('a failing disk', () => {
  test.each<[Operation, string]>([
    ['datasync', 'EIO'],
    ['datasync', 'ENOSPC'],
    ['writev', 'EIO'],
    ['writev', 'EROFS'],
  ])('that answers %s with %s ends intake for good', async (operation, code) => {
    const files = faultyFiles()
    const spool = await open(makeDirectory(), { files })
    const stored = await spool.append(entryFor('m1'), DATA)
    files.fail(operation, code)
    const pending = [spool.append(entryFor('m2'), DATA), spool.append(entryFor('m3'), DATA)]
    for (const each of pending) await expect(each).rejects.toMatchObject({ kind: 'broken' })
    expect(spool.failure?.message).toContain(code)

    files.fail(operation, undefined)
    const before = files.calls.length
    await expect(spool.append(entryFor('m4'), DATA)).rejects.toMatchObject({ kind: 'broken' })
    await expect(spool.flush()).rejects.toMatchObject({ kind: 'broken' })
    spool.finish(stored, [0])
    expect(files.calls.slice(before)).toEqual([])
    expect(await spool.read(stored)).toEqual(DATA)
  })

  test('that cannot sync a new segment ends intake', async () => {
    const files = faultyFiles()
    const spool = await open(makeDirectory(), { files, segmentBytes: 1000 })
    files.fail('sync', 'EIO')
    const large = spool.append(entryFor('m1'), Buffer.alloc(2000))
    await expect(large).rejects.toMatchObject({ kind: 'broken' })
    expect(spool.failure).toBeDefined()
  })

  test('at the start refuses the start and frees the lock', async () => {
    const files = faultyFiles()
    const directory = makeDirectory()
    files.fail('sync', 'EIO')
    await expect(open(directory, { files })).rejects.toMatchObject({ kind: 'broken' })
    files.fail('sync', undefined)
    await open(directory, { files })
  })
})
