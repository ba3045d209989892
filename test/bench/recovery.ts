// How long a start takes with mail in the queue until the first of it is delivered, and how much memory: so many
// messages with one tracked recipient each, stored and found again by another process, once after the server
// was closed and once after it was killed. Run, with a directory on the disk:
//   npm run bench -- recovery DIR [MESSAGES [OCTETS]]
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../../src/config/load.ts'
import { makeIds } from '../../src/mail/ids.ts'
import { makeDispatcher } from '../../src/relay/dispatcher.ts'
import type { Entry } from '../../src/spool/entry.ts'
import { makeQueue } from '../../src/spool/queue.ts'
import { openSpool, type Spool } from '../../src/spool/spool.ts'
import { startSink } from './load.ts'
import { note } from './result.ts'

const [, script = '', where = tmpdir(), count = '100000', size = '20480', step, folder = ''] =
  process.argv
if (step === 'fill') await fill(folder, Number(count), Number(size))
else if (step === 'start') await start(folder)
else measure()

function measure(): void {
  const directory = mkdtempSync(join(where, 'bench-recovery-'))
  const run = (which: string): void => {
    const args = ['--expose-gc', script, where, count, size, which, directory]
    spawnSync(process.execPath, args, { stdio: 'inherit' })
  }
  try {
    // The filling process ends as by a kill, the first start closes its spool.
    run('fill')
    for (const after of ['a kill', 'a close']) {
      console.log(`${count} messages of ${size} octets, after ${after}:`)
      run('start')
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function fill(directory: string, messages: number, octets: number): Promise<void> {
  const spool = await openSpool({ directory, report: console.error })
  // The message, and what its links add.
  const data = Buffer.alloc(octets + 1260, 'x')
  for (let i = 0; i < messages; i += 200) {
    const batch = Array.from({ length: 200 }, (_, j) => spool.append(entry(i + j, octets), data))
    await Promise.all(batch)
  }
  process.kill(process.pid, 'SIGKILL')
}

async function start(directory: string): Promise<void> {
  const sink = await startSink()
  globalThis.gc?.()
  const base = process.memoryUsage().heapUsed
  const begin = performance.now()
  const since = (): string => `${((performance.now() - begin) / 1000).toFixed(2)} s`
  const spool = await openSpool({ directory, report: () => {} })
  const { length } = spool.recovered
  console.log(`  ${length} messages found after ${since()}`)
  await firstDelivery(spool, sink.port, (suspended) => {
    if (!suspended) {
      note('first delivery after a start', performance.now() - begin, 'ms', 'at most', 5000)
      return console.log(`  the first delivered after ${since()}`)
    }
    globalThis.gc?.()
    const heap = process.memoryUsage().heapUsed - base
    note('memory of a queued message', heap / length / 1000, 'KB', 'at most', 1)
    const most = process.resourceUsage().maxRSS / 1000
    console.log(
      `  all in the queue after ${since()}; heap ${(heap / 1e6).toFixed(0)} MB, ${(heap / length).toFixed(0)} octets each; ` +
        `memory at most ${most.toFixed(0)} MB`,
    )
  })
  sink.kill()
  await spool.close()
}

/** Everything is queued, then delivery begins; `tell` hears of both. */
async function firstDelivery(
  spool: Spool,
  port: number,
  tell: (isSuspended: boolean) => void,
): Promise<void> {
  const options = { lenient: false, defaultHostname: 'bench.test', folder: '/' }
  const text = (more: string): string => `gateway = "127.0.0.1:${port}" ${more}`
  const config = (more: string) => parseConfig(text(more), 'bench.conf', options).config
  let delivered = (): void => {}
  const first = new Promise<void>((resolve) => (delivered = resolve))
  const relay = makeDispatcher({
    config: config('suspend_delivery = true'),
    spool,
    queue: makeQueue(),
    ids: makeIds(process.pid, Buffer.alloc(8), Date.now),
    observers: {
      onDelivery: () => ({ tell: delivered }),
      onDelay: ({ text }) => console.error(text),
      onBounce: ({ text }) => ({ tell: () => console.error(text) }),
    },
    onError: console.error,
  })
  await relay.recover(spool.recovered)
  tell(true)
  relay.reconfigure(config(''))
  await first
  tell(false)
  await relay.close({ graceMs: 1000 })
}

/** As tracking makes it: twenty links and a pixel. */
function entry(i: number, octets: number): Entry {
  const facts = {
    message_id: `6b075d51fa68${i}`,
    rcpt_to: `somebody${i}@example${i % 50}.com`,
    raw_rcpt_to: `somebody${i}@example${i % 50}.com`,
    routing_domain: `example${i % 50}.com`,
    customer_id: '1',
    campaign_id: 'spring',
    subject: 'Our newsletter of the season',
  }
  const part = Math.floor(octets / 22)
  const pieces = Array.from({ length: 21 }, (_, j) => [
    [j * part, j * part + part - 10],
    [octets + j * 60, octets + j * 60 + 60],
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
        sizeBytes: octets + 4000,
        context: { connection: {}, message: {} },
        facts,
      },
    ],
  }
}
