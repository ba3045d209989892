// `eachrcpt cases`: cases for `replay` and `diff-policy` from the log files of a Momentum (or ours). Exit
// codes: 2 for wrong usage, 65 when a file holds nothing of it, 66 when one is missing, 73 when the folder
// cannot be written.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { casesFromLog } from '../recording/logcases.ts'
import { readOptions } from './options.ts'
import { openTapeFolder } from './tapefolder.ts'

const USAGE = `usage: eachrcpt cases LOG… --out DIR [--no-redact] [--key FILE]

Makes .session files from log files: of each line of a rejectlog the session
up to the refusal, of each reception in a mainlog its envelope. Messages are
in no log: one is made up where the refusal came after it. LOG may be -.
Addresses are redacted as by eachrcpt record.
`

export function cases(args: readonly string[]): Promise<number> {
  return Promise.resolve(makeCases(args))
}

function makeCases(args: readonly string[]): number {
  const given = readOptions(args, { values: ['--out', '--key'], flags: ['--no-redact'] })
  if (typeof given === 'string') return fail(`cases: ${given}\n\n${USAGE}`, 2)
  const { words, values, flags } = given
  if (flags.has('--help')) {
    process.stdout.write(USAGE)
    return 0
  }
  const folder = values.get('--out')
  if (folder === undefined || words.length === 0) {
    return fail(`cases: log files and --out are needed\n\n${USAGE}`, 2)
  }
  const missing = words.filter((file) => file !== '-' && !existsSync(file))
  if (missing.length > 0) return fail(`cases: no such file: ${missing.join(', ')}\n`, 66)
  let made = 0
  try {
    const put = openTapeFolder({
      folder,
      isRedacted: !flags.has('--no-redact'),
      keepsTexts: false,
      keyFile: values.get('--key') ?? join(folder, '.key'),
    })
    for (const file of words) {
      const { tapes, ignored } = casesFromLog(readFileSync(file === '-' ? 0 : file, 'latin1'))
      for (const tape of tapes) put(tape)
      made += tapes.length
      process.stdout.write(`${file}: ${tapes.length} sessions, ${ignored} lines of other kinds\n`)
    }
  } catch (error) {
    return fail(`cases: ${String(error)}\n`, 73)
  }
  return made > 0 ? 0 : fail('cases: no rejections and no receptions\n', 65)
}

function fail(text: string, code: number): number {
  process.stderr.write(text)
  return code
}
