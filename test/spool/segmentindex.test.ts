import {
  closeSync,
  cpSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemFiles } from '../../src/spool/files.ts'
import type { Spool } from '../../src/spool/spool.ts'
import { parseSegmentName, scanSegment } from '../../src/spool/segment.ts'
import { TRAILER_BYTES } from '../../src/spool/segmentindex.ts'
import { copyFor, entryFor, idsOf, makeDirectory, open, quarantined } from './fixtures.ts'

/** Large enough that an index is worth it. */
const DATA = Buffer.alloc(8000, 'x')
const CHANGED = { connection: {}, message: { tries: '1', campaign: null } }
const EGRESS = { group: 'fast', binding: 'one' }

/** Counts the octets that are read of segments. */
function countingFiles() {
  let octets = 0
  const files: typeof systemFiles = {
    ...systemFiles,
    async open(path, mode) {
      const file = await systemFiles.open(path, mode)
      return {
        ...file,
        async read(length, position) {
          const bytes = await file.read(length, position)
          octets += bytes.length
          return bytes
        },
      }
    },
  }
  return { files, read: () => octets }
}

const factsOf = (id: string) => ({ facts: { transmission_id: id } })

function namesIn(told: Spool['told']): (string | undefined)[] {
  return told.map((each) => (typeof each === 'string' ? each : each.facts['transmission_id']))
}

/** Three messages: of one a copy is deferred, another done, with an event; one is finished. */
async function write(spool: Spool): Promise<string> {
  const { location } = await spool.append({ ...entryFor('one'), ...factsOf('one') }, DATA)
  const copies = [
    copyFor('a@x.example', { egress: EGRESS }),
    copyFor('b@x.example', { egress: EGRESS }),
    copyFor('c@y.example', { priority: 1, mailfrom: 'other@example.com' }),
  ]
  const two = await spool.append({ ...entryFor('two', ...copies), ...factsOf('two') }, DATA)
  const three = await spool.append({ ...entryFor('three'), ...factsOf('three') }, DATA)
  spool.finish(two, [1], ['{"type":"delivery"}'])
  spool.change(two, 0, CHANGED)
  spool.defer(two, 2, { attempts: 1, nextAttemptMs: 7, note: '450 later' })
  spool.finish(three, [0])
  await spool.flush()
  return location.file
}

async function fill(directory: string): Promise<string> {
  const spool = await open(directory)
  const file = await write(spool)
  await spool.close()
  return join(directory, file)
}

describe('the index of a segment', () => {
  test('is all that a start reads of it, and says the same', async () => {
    const directory = makeDirectory()
    const path = await fill(directory)
    const { files, read } = countingFiles()
    const spool = await open(directory, { files })
    expect(read()).toBeLessThan(DATA.length / 2)
    expect(spool.reports).toEqual([])

    const whole = makeDirectory()
    const cut = readFileSync(path)
    writeFileSync(join(whole, path.slice(-23)), cut.subarray(0, cut.length - TRAILER_BYTES))
    const other = await open(whole)
    expect(other.recovered.map(({ location, ...rest }) => [location.sequence, rest])).toEqual(
      spool.recovered.map(({ location, ...rest }) => [location.sequence, rest]),
    )
    expect(await idsOf(spool)).toEqual(['one', 'two'])
    expect(await idsOf(other)).toEqual(['one', 'two'])
    expect(spool.recovered[1]).toMatchObject({
      receivedMs: 1_700_000_000_000,
      copies: [
        { done: false, attempts: 0, context: CHANGED },
        { done: true },
        { attempts: 1, nextAttemptMs: 7, note: '450 later' },
      ],
      ways: [
        { routingDomain: 'x.example', egress: EGRESS },
        { routingDomain: 'x.example', egress: EGRESS },
        { routingDomain: 'y.example', priority: 1 },
      ],
      groups: [0, 0, 1],
    })
    expect(await spool.read(spool.recovered[1]!)).toEqual(DATA)
    expect(namesIn(spool.told)).toEqual(['one', 'two', 'three', '{"type":"delivery"}'])
    expect(namesIn(other.told)).toEqual(namesIn(spool.told))
  })

  test('is made by a start for a segment that a crash left without one', async () => {
    const crashed = makeDirectory()
    const running = makeDirectory()
    const spool = await open(running)
    const path = join(crashed, await write(spool))
    cpSync(running, crashed, { recursive: true, filter: (from) => !from.endsWith('lock') })
    await spool.close()
    // A write was cut short, too.
    const { end } = scanSegment(readFileSync(path), parseSegmentName(path.slice(-23))!).records.at(
      -1,
    )!
    const torn = openSync(path, 'r+')
    writeSync(torn, 'half a record', end)
    closeSync(torn)

    const first = await open(crashed)
    expect(first.reports).toHaveLength(1)
    const [told, recovered] = [namesIn(first.told), first.recovered.map(({ copies }) => copies)]
    expect(recovered.flat().filter(({ done }) => !done)).toHaveLength(3)
    await first.close()
    expect(statSync(path).size).toBeLessThan(4 * DATA.length)
    expect(readFileSync(path).includes('half a record')).toBe(false)

    const { files, read } = countingFiles()
    const second = await open(crashed, { files })
    expect(read()).toBeLessThan(DATA.length / 2)
    expect(second.reports).toEqual([])
    expect([namesIn(second.told), second.recovered.map(({ copies }) => copies)]).toEqual([
      told,
      recovered,
    ])
    expect(await second.read(second.recovered[1]!)).toEqual(DATA)
  })

  test('leads to the messages that came last, but not to those whose events are long in their log', async () => {
    const directory = makeDirectory()
    const spool = await open(directory)
    for (const [id, ms] of [
      ['old', 0],
      ['late', 60_000],
      ['last', 65_000],
    ] as const) {
      const entry = { ...entryFor(id), ...factsOf(id), receivedMs: ms }
      spool.finish(await spool.append(entry, DATA), [0])
    }
    await spool.append({ ...entryFor('kept'), ...factsOf('kept'), receivedMs: 66_000 }, DATA)
    await spool.close()
    expect(namesIn((await open(directory)).told)).toEqual(['late', 'last', 'kept'])
  })

  test('that is damaged is none: the segment is read as a whole', async () => {
    const directory = makeDirectory()
    const path = await fill(directory)
    const bytes = readFileSync(path)
    const at = bytes.length - TRAILER_BYTES - 10
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    writeFileSync(path, bytes)
    const spool = await open(directory)
    expect(await idsOf(spool)).toEqual(['one', 'two'])
    expect(spool.reports).toEqual([])
  })

  test('that is not there whole, wherever a part is missing, is none, and nothing is lost', async () => {
    const path = await fill(makeDirectory())
    const bytes = readFileSync(path)
    const { records } = scanSegment(bytes, parseSegmentName(path.slice(-23))!)
    const index = records.find(({ type }) => type === 'index')!
    // A crash of the machine leaves it shorter, or with the size and not all of the octets.
    const places = Array.from({ length: 24 }, (_, i) => index.start + i * 37)
    const remains = places
      .filter((at) => at < bytes.length)
      .flatMap((at) => [
        bytes.subarray(0, at),
        Buffer.from(bytes).fill(0, at, Math.min(at + 37, bytes.length)),
      ])
    expect(remains.length).toBeGreaterThan(20)
    for (const each of remains) {
      const cut = makeDirectory()
      writeFileSync(join(cut, path.slice(-23)), each)
      for (let start = 1; start <= 2; start++) {
        const spool = await open(cut)
        expect(await idsOf(spool)).toEqual(['one', 'two'])
        expect(spool.recovered[1]?.copies.map(({ done }) => done)).toEqual([false, true, false])
        await spool.close()
      }
    }
  })

  test('finds a message whose record is damaged: it is set aside when it is to be sent', async () => {
    const directory = makeDirectory()
    const path = await fill(directory)
    const bytes = readFileSync(path)
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100)
    writeFileSync(path, bytes)
    const spool = await open(directory)
    const [one, two] = spool.recovered
    await expect(spool.entry(one!)).rejects.toMatchObject({ kind: 'damaged' })
    expect(one?.copies[0]?.done).toBe(true)
    expect(quarantined(directory)).toHaveLength(1)
    expect((await spool.entry(two!)).batchId).toBe('two')
    await spool.close()
    expect(await idsOf(await open(directory))).toEqual(['two'])
  })

  test('has what later segments said of its entries overruled by them', async () => {
    const directory = makeDirectory()
    await fill(directory)
    const second = await open(directory)
    second.finish(second.recovered[0]!, [0])
    second.finish(second.recovered[1]!, [2])
    await second.close()
    const third = await open(directory)
    expect(await idsOf(third)).toEqual(['two'])
    expect(third.recovered[0]?.copies.map(({ done }) => done)).toEqual([false, true, true])
  })
})
