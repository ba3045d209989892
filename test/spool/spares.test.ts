import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openSpares } from '../../src/spool/spares.ts'
import { systemFiles } from '../../src/spool/files.ts'
import type { Spool } from '../../src/spool/spool.ts'
import { entryFor, faultyFiles, idsOf, makeDirectory, open, quarantined } from './fixtures.ts'

const DATA = Buffer.alloc(1000, 'x')
const SMALL = { segmentBytes: 16_000 }

function sparesIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith('.spare'))
}

/** A spool that writes to a file that was a segment before. */
async function reusing(directory: string, options = {}) {
  const spool = await open(directory, { ...SMALL, ...options })
  await churn(spool, 25)
  return spool
}

/** More than two segments of mail that is finished at once. */
async function churn(spool: Spool, messages: number): Promise<void> {
  for (let i = 0; i < messages; i++) {
    spool.finish(await spool.append(entryFor(`old${i}`), DATA), [0])
    await spool.flush()
  }
}

/** As a kill leaves it. */
function killed(directory: string): string {
  const copy = makeDirectory()
  cpSync(directory, copy, { recursive: true })
  rmSync(join(copy, 'lock'))
  return copy
}

describe('the file of a segment that nobody needs', () => {
  test('becomes the next one, and what it held before is nothing to a start', async () => {
    const directory = makeDirectory()
    const spool = await reusing(directory)
    const { location } = await spool.append(entryFor('first'), DATA)
    // Says so in its header.
    expect(readFileSync(join(directory, location.file)).readUInt16LE(30)).toBe(1)
    await spool.append(entryFor('new'), Buffer.from('new'))
    const copy = killed(directory)
    const again = await open(copy, SMALL)
    expect(await idsOf(again)).toEqual(['first', 'new'])
    expect(again.reports).toEqual([])
    expect(quarantined(copy)).toEqual([])
  })

  test('tells a torn write from what it held before', async () => {
    const directory = makeDirectory()
    const files = faultyFiles()
    let isTorn = false
    const spool = await reusing(directory, {
      files: {
        ...files,
        async open(path: string, mode: 'create' | 'write' | 'read') {
          const file = await files.open(path, mode)
          const writev: typeof file.writev = (buffers, position) =>
            file.writev(isTorn ? [Buffer.concat(buffers).subarray(0, 900)] : buffers, position)
          return { ...file, writev }
        },
      },
    })
    await spool.append(entryFor('kept'), Buffer.from('kept'))
    isTorn = true
    await spool.append(entryFor('torn'), DATA)
    const copy = killed(directory)
    const again = await open(copy, SMALL)
    expect(await idsOf(again)).toEqual(['kept'])
    expect(again.reports).toHaveLength(1)
    expect(again.reports[0]).toContain('message torn')
    const [kept = ''] = quarantined(copy)
    // The torn record, and nothing of what stood there before.
    expect(statSync(join(copy, 'quarantine', kept)).size).toBeLessThan(2000)
  })

  test('gives its room back when there is no other', async () => {
    const directory = makeDirectory()
    const files = faultyFiles()
    const spool = await reusing(directory, { files })
    await spool.append(entryFor('m1'), DATA)
    await churn(spool, 20)
    expect(sparesIn(directory).length).toBeGreaterThan(0)
    files.fail('writev', 'ENOSPC')
    await expect(spool.append(entryFor('m2'), DATA)).rejects.toMatchObject({ kind: 'no room' })
    expect(sparesIn(directory)).toEqual([])
    files.fail('writev', undefined)
    await spool.append(entryFor('m3'), DATA)
  })

  test('that cannot be renamed is removed', async () => {
    const directory = makeDirectory()
    const files = faultyFiles()
    files.fail('rename', 'EIO')
    const spool = await reusing(directory, { files })
    expect(sparesIn(directory)).toEqual([])
    expect(spool.failure).toBeUndefined()
    expect(spool.reports).toEqual([])
  })

  test('that cannot be renamed to be a segment is none: a new file is', async () => {
    const directory = makeDirectory()
    const files = faultyFiles()
    const spool = await reusing(directory, { files })
    await churn(spool, 20)
    await spool.append(entryFor('m1'), DATA)
    files.fail('rename', 'EIO')
    for (let i = 0; i < 30; i++) await spool.append(entryFor(`x${i}`), DATA)
    expect(spool.failure).toBeUndefined()
    await spool.close()
    const again = await open(directory, SMALL)
    expect((await idsOf(again)).length).toBe(31)
  })

  test('is kept at the next start, up to four, those of another size are not', async () => {
    const directory = makeDirectory()
    for (let i = 0; i < 6; i++) {
      const file = await systemFiles.open(join(directory, `${i}.spare`), 'create')
      await file.truncate(i === 0 ? 500 : 1000 + i)
      await file.close()
    }
    const spares = await openSpares(systemFiles, directory, 1000)
    expect(sparesIn(directory)).toHaveLength(4)
    expect(spares.take(2000)).toBeUndefined()
    expect(spares.take(1000)?.sizeBytes).toBeGreaterThan(1000)
  })
})
