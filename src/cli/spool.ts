// `eachrcpt spool ls|show|retry|fail|rm|export|verify`: the queued mail, through the running server, or with
// the spool's lock when there is none. Exit codes: 1 when it did not come out as asked, 69 when the spool
// cannot be had, 78 for a broken configuration.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/error.ts'
import type { Answer } from '../http/control.ts'
import { makeIds } from '../mail/ids.ts'
import { queueCommand } from '../queueconsole.ts'
import { offlineMail } from '../offlinemail.ts'
import { openSpool } from '../spool/spool.ts'
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
  const report = (text: string): void => void process.stderr.write(`spool: ${text}\n`)
  const opened = await openSpool({
    directory: join(config.spoolbase, '0'),
    // Events that only the spool has are for the server to report.
    mayRemove: () => Promise.resolve(false),
    report,
  })
  try {
    const ids = makeIds(process.pid, randomBytes(8), Date.now)
    const mail = offlineMail({ spool: opened, ids, config, now: Date.now })
    const answer = await queueCommand(mail, words, Date.now())
    return answer ?? { isOk: false, text: 'unknown command\n' }
  } finally {
    await opened.close()
  }
}

function fail(text: string, code: number): number {
  process.stderr.write(`${text}\n`)
  return code
}
