// Looking a message up among many: what need not be read is not.
import { expect, test } from 'vitest'
import { queueCommand } from '../../src/console/queue.ts'
import type { QueuedMail } from '../../src/queuedmail.ts'
import type { Stored } from '../../src/spool/stored.ts'
import { copyFor, entryFor, storedFor } from '../spool/fixtures.ts'

const NOW_S = 0x67_00_00_00

/** A message of each hour, of which the ids begin with the second; those read are told. */
function mailOf(hours: number) {
  const entries = Array.from({ length: hours }, (_, i) => {
    const second = NOW_S - i * 7_200
    const id = `${second.toString(16)}aaaa${String(i).padStart(8, '0')}`
    const copy = copyFor('a@x.example', { id: `00/00-1-${i}`, facts: { message_id: id } })
    return { ...entryFor(`00/00-1-${i}`, copy), receivedMs: second * 1000 - 90_000 }
  })
  const stored = new Map(entries.map((entry) => [storedFor(entry), entry]))
  const read: string[] = []
  const nothing = (): never => {
    throw new Error('not asked for')
  }
  const mail: QueuedMail = {
    unfinished: () => stored.keys(),
    async entry(each: Stored) {
      const entry = stored.get(each)
      if (!entry) throw new Error('unknown')
      read.push(entry.batchId)
      return entry
    },
    read: () => Promise.resolve(Buffer.from('Subject: x\r\n\r\nbody\r\n')),
    retry: nothing,
    fail: nothing,
    remove: nothing,
  }
  const idOf = (i: number): string => entries[i]?.copies[0]?.facts['message_id'] ?? ''
  return { mail, read, idOf }
}

test('by the id of its events, which tells when it came, only messages of that time are read', async () => {
  const { mail, read, idOf } = mailOf(2_000)
  const answer = await queueCommand(mail, ['message', 'details', idOf(1_700)], NOW_S * 1000)
  expect(answer?.text).toContain('Message: 00/00-1-1700\n')
  expect([...new Set(read)]).toEqual(['00/00-1-1700'])
})

test.each(['00/00-1-1700', '670000000000000000000000'.slice(0, 20)])(
  'by any other id all are looked at: %s',
  async (id) => {
    const { mail, read } = mailOf(1_800)
    const answer = await queueCommand(mail, ['message', 'details', id], NOW_S * 1000)
    expect(answer?.isOk).toBe(id.startsWith('00/'))
    expect(read.length).toBeGreaterThan(1_700)
  },
)
