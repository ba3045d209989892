import { describe, expect, test } from 'vitest'
import { join } from 'node:path'
import { type FileSystem, systemFiles } from '../../src/spool/files.ts'
import type { Stored } from '../../src/spool/stored.ts'
import { makeDisk } from './powercut.ts'
import { entryFor, faultyFiles, idsOf, makeDirectory, open, segmentFiles } from './fixtures.ts'

const DATA = Buffer.alloc(5_000, 'x')
const CHANGED = { connection: {}, message: { tries: '1' } }
const DEFERRAL = { attempts: 2, nextAttemptMs: 7, note: 'later' }

/** Eight entries in the first segment, the ninth in the next; the last of the eight is half done. */
async function fill(directory: string, files: FileSystem = systemFiles) {
  const spool = await open(directory, { segmentBytes: 46_000, files })
  const stored: Stored[] = []
  for (let i = 0; i < 9; i++) {
    stored.push(await spool.append(entryFor(`m${i}`, 'a@x', 'b@x', 'c@x'), DATA))
  }
  const last = stored[7]!
  spool.finish(last, [0])
  spool.change(last, 1, CHANGED)
  spool.defer(last, 1, DEFERRAL)
  await spool.flush()
  return { spool, last, others: stored.slice(0, 7), place: last.location.segment }
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const READ_MS = 50

/** Reads take their time; syncs wait, from `hold` on, until what it gave is called. */
function slowFiles(base: FileSystem) {
  let turn = Promise.resolve()
  const files: FileSystem = {
    ...base,
    async open(path, mode) {
      const file = await base.open(path, mode)
      const read: typeof file.read = async (...place) => {
        await later(READ_MS)
        return file.read(...place)
      }
      return { ...file, read, datasync: () => turn.then(() => file.datasync()) }
    },
  }
  const hold = (): (() => void) => {
    let release = (): void => {}
    turn = new Promise((resolve) => (release = resolve))
    return () => release()
  }
  return { files, hold }
}

describe('a segment of which little is needed', () => {
  test('goes, and what is needed of it stands elsewhere as it was', async () => {
    const directory = makeDirectory()
    const { spool, last, others, place } = await fill(directory)
    expect(segmentFiles(directory)).toHaveLength(2)
    for (const each of others.slice(1)) spool.finish(each, [0, 1, 2])
    await spool.flush()
    // Two of eight are a quarter.
    expect(last.location.segment).not.toBe(place)
    expect(segmentFiles(directory)).toHaveLength(1)
    expect(await spool.read(last)).toEqual(DATA)
    const entry = await spool.entry(last)
    spool.finish(last, [2])
    await spool.close()

    const again = await open(directory)
    expect(again.reports).toEqual([])
    const names = await idsOf(again)
    expect(names.toSorted()).toEqual(['m0', 'm7', 'm8'])
    const found = again.recovered[names.indexOf('m7')]!
    expect(await again.entry(found)).toEqual(entry)
    expect(found.copies.map(({ done }) => done)).toEqual([true, false, true])
    expect(found.copies[1]).toEqual({ done: false, ...DEFERRAL, context: CHANGED })
    expect(await again.read(found)).toEqual(DATA)
  })

  test('does not bring back what was finished while it was moved', async () => {
    const directory = makeDirectory()
    const { spool, last, others } = await fill(directory)
    for (const each of others) spool.finish(each, [0, 1, 2])
    await new Promise(setImmediate)
    // Its new record is on its way.
    spool.finish(last, [1, 2])
    await spool.flush()
    await spool.close()
    const again = await open(directory)
    expect(await idsOf(again)).toEqual(['m8'])
  })

  test.each([
    // Behind another that is finished before it can be moved: entry and data of each are read.
    ['is read', 3 * READ_MS],
    ['waits to be written', 6 * READ_MS],
  ])('at any kill: what is finished while it %s is known with its event', async (_, waitMs) => {
    const directory = makeDirectory()
    const cuts: string[] = []
    const disk = makeDisk((operation, when) => {
      if (operation !== 'write' || when !== 'after') return
      cuts.push(join(directory, `cut ${cuts.length}`))
      disk.cut(() => 0.99, cuts.at(-1)!)
    })
    const { files, hold } = slowFiles(disk.files)
    const { spool, last, others } = await fill(join(directory, 'spool'), files)
    const release = hold()
    const more = spool.append(entryFor('m9'), DATA)
    for (const each of others) spool.finish(each, [0, 1, 2])
    await later(waitMs)
    spool.finish(last, [1], ['{"event":1}'])
    await later(3 * READ_MS)
    release()
    await more
    await spool.flush()
    await spool.close()

    const found = new Set<string>()
    for (const cut of cuts) {
      const again = await open(cut)
      const at = (await idsOf(again)).indexOf('m7')
      const isDone = again.recovered[at]?.copies[1]?.done
      found.add(`done: ${isDone}, told: ${again.told.includes('{"event":1}')}`)
      await again.close()
    }
    found.delete('done: undefined, told: false')
    expect(found).toEqual(new Set(['done: false, told: false', 'done: true, told: true']))
  })

  test('stays while there is no room to move what is needed, and nothing is lost', async () => {
    const directory = makeDirectory()
    const files = faultyFiles()
    const { spool, last, others, place } = await fill(directory, files)
    files.fail('writev', 'ENOSPC')
    for (const each of others) spool.finish(each, [0, 1, 2])
    await spool.flush().catch(() => undefined)
    expect(last.location.segment).toBe(place)
    expect(await spool.read(last)).toEqual(DATA)
    files.fail('writev', undefined)
    await spool.flush()
    expect(last.location.segment).not.toBe(place)
    expect(spool.failure).toBeUndefined()
  })

  test('is moved before or after its entry is replaced by a notification, never in between', async () => {
    const directory = makeDirectory()
    const { spool, last, others } = await fill(directory)
    for (const each of others) spool.finish(each, [0, 1, 2])
    const dsn = spool.replace(last, [1, 2], { entry: entryFor('dsn'), data: DATA })
    await Promise.all([spool.flush(), dsn])
    await spool.close()
    const again = await open(directory)
    expect(await idsOf(again)).toEqual(['m8', 'dsn'])
  })
})
