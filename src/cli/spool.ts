// `eachrcpt spool ls|show|retry|fail|rm|export|verify`: the queued mail, through the running server, or with
// the spool's lock when there is none. Exit codes: 1 when it did not come out as asked, 69 when the spool
// cannot be had, 78 for a broken configuration.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/error.ts'
import type { Answer } from '../http/control.ts'
import { makeIds } from '../mail/ids.ts'
import { journalOptions } from '../generation.ts'
import { openJournal } from '../events/journal.ts'
import { queueCommand } from '../console/queue.ts'
import { offlineMail } from './offlinemail.ts'
import { joinSpools } from '../spool/joined.ts'
import { CUT_SHORT } from '../spool/recovery.ts'
import { openSpool, type Spool } from '../spool/spool.ts'
import { slotsIn } from '../stores.ts'
import { askServer, printAnswer, readConfig, readConsoleArguments } from './console.ts'

export async function spool(args: readonly string[]): Promise<number> {
  const read = readConsoleArguments(args)
  if (typeof read === 'string') return fail(`spool: ${read}`, 2)
  if (read.words.length === 0)
    return fail('usage: eachrcpt spool ls|show|retry|fail|rm|export|verify', 2)
  try {
    const config = readConfig(read.file)
    const words = ['spool', ...read.words]
    const answer = (await askServer(config, words)) ?? (await runOffline(config, words))
    return printAnswer(answer, read.isJson)
  } catch (error) {
    return fail(
      String(error instanceof Error ? error.message : error),
      error instanceof ConfigError ? 78 : 69,
    )
  }
}

async function runOffline(config: Config, words: readonly string[]): Promise<Answer> {
  // An event stays with its outcome: the server tells it at its next start.
  const events = { wants: () => true, append: () => {} }
  const setAside: string[] = []
  const opened = await openAll(config, (text) => {
    process.stderr.write(`spool: ${text}\n`)
    // What a crash has cut short had not been acknowledged.
    if (!text.startsWith(CUT_SHORT)) setAside.push(text)
  })
  try {
    const journal = await openJournal(journalOptions(config, { now: Date.now, events }))
    const ids = makeIds(process.pid, randomBytes(8), Date.now)
    const offline = offlineMail({ spool: opened, ids, config, journal, now: Date.now })
    const mail = { ...offline, setAside }
    try {
      const answer = await queueCommand(mail, words, Date.now())
      return answer ?? { isOk: false, text: 'unknown command\n' }
    } finally {
      await journal.close()
    }
  } finally {
    await opened.close()
  }
}

/** Those of all workers. */
async function openAll({ spoolbase }: Config, report: (text: string) => void): Promise<Spool> {
  // Events that only the spool has are for the server to report.
  const mayRemove = (): Promise<boolean> => Promise.resolve(false)
  const open = (slot: number): Promise<Spool> =>
    openSpool({ directory: join(spoolbase, String(slot)), mayRemove, report })
  const others: Spool[] = []
  const own = await open(0)
  try {
    for (const slot of await slotsIn(spoolbase)) if (slot > 0) others.push(await open(slot))
  } catch (error) {
    await joinSpools(own, others).close()
    throw error
  }
  return joinSpools(own, others)
}

function fail(text: string, code: number): number {
  process.stderr.write(`${text}\n`)
  return code
}
