// How long a start takes with mail in the queue, and how much memory: so many messages of 20 KB with one
// tracked recipient each, stored and found again by another process. Run, with a directory on the disk:
//   npm run bench -- recovery DIR [MESSAGES]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Entry } from '../../src/spool/entry.ts'
import { openSpool } from '../../src/spool/spool.ts'

const [, script = '', where = tmpdir(), count = '100000', found] = process.argv
if (found) await start(found)
else await measure()

async function measure(): Promise<void> {
  const directory = mkdtempSync(join(where, 'bench-recovery-'))
  try {
    await fill(directory, Number(count))
    const args = ['--expose-gc', script, where, count, directory]
    spawnSync(process.execPath, args, { stdio: 'inherit' })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function fill(directory: string, messages: number): Promise<void> {
  const spool = await openSpool({ directory, report: console.error })
  const data = Buffer.alloc(20_480, 'x')
  for (let i = 0; i < messages; i += 200) {
    const batch = Array.from({ length: 200 }, (_, j) => spool.append(entry(i + j), data))
    await Promise.all(batch)
  }
  await spool.close()
}

async function start(directory: string): Promise<void> {
  const before = performance.now()
  const spool = await openSpool({ directory, report: console.error })
  const seconds = (performance.now() - before) / 1000
  const [first] = spool.recovered
  if (first) await spool.read(first)
  const readMs = performance.now() - before - seconds * 1000
  const atMost = process.resourceUsage().maxRSS / 1000
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  console.log(
    `${spool.recovered.length} messages found in ${seconds.toFixed(2)} s, the first read ${readMs.toFixed(1)} ms later; ` +
      `heap ${(heapUsed / 1e6).toFixed(0)} MB, memory ${(rss / 1e6).toFixed(0)} MB, at most ${atMost.toFixed(0)} MB`,
  )
  await spool.close()
}

/** As tracking makes it: twenty links and a pixel. */
function entry(i: number): Entry {
  const facts = {
    message_id: `6b075d51fa68${i}`,
    rcpt_to: `somebody${i}@example${i % 50}.com`,
    raw_rcpt_to: `somebody${i}@example${i % 50}.com`,
    routing_domain: `example${i % 50}.com`,
    customer_id: '1',
    campaign_id: 'spring',
    subject: 'Our newsletter of the season',
  }
  const pieces = Array.from({ length: 21 }, (_, j) => [
    [j * 900, j * 900 + 850],
    [20_480 + j * 60, 20_540 + j * 60],
    [0, 0, 144, 0],
  ]).flat() as unknown as Entry['copies'][number]['rendition']['pieces']
  return {
    batchId: `00/00-1-${i}`,
    connectionId: '00/00-1-0',
    receivedMs: Date.now(),
    mailfrom: 'news@sender.example',
    facts: { ip: '192.0.2.1', msg_from: 'news@sender.example', recv_method: 'esmtp' },
    context: { connection: { listener: 'in' }, message: { smtpapi_campaign_id: 'spring' } },
    copies: [
      {
        id: `00/00-1-${i}`,
        mailfrom: 'news@sender.example',
        rcptto: facts.rcpt_to,
        routingDomain: facts.routing_domain,
        rendition: { pieces, holes: ['h'.repeat(144)] },
        sizeBytes: 22_000,
        context: { connection: {}, message: {} },
        facts,
      },
    ],
  }
}
