// `eachrcpt diff-policy OLD NEW --cases DIR`: recipients whose outcome another policy changes. Exit codes:
// 1 when there are some, 2 for wrong usage, 65 for a broken case, 66 for a missing one, 78 for a broken policy.
import { existsSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/error.ts'
import { PolicyError } from '../policy/policy.ts'
import {
  type ChangedOutcome,
  changesBetween,
  type Outcome,
  outcomesOf,
} from '../recording/outcome.ts'
import { replay, startOf } from '../recording/replay.ts'
import { type Tape, TapeError } from '../recording/tape.ts'
import { openRehearsal } from '../rehearsal/rehearsal.ts'
import { readCases } from './casefiles.ts'
import { readOptions } from './options.ts'
import { paletteFor } from './palette.ts'
import { findPolicy, readPolicy } from './policysource.ts'
import { differenceText } from './replaytext.ts'

const USAGE = `usage: eachrcpt diff-policy OLD NEW --cases PATH [--json]

Plays each case (.session and .eml files) through two policies and lists the
recipients whose outcome differs: verdict, reply, binding, context and copy.
OLD and NEW are scripts (.lua), configurations, or folders with one of them.

Exits 1 when an outcome differs, 0 when none does.
`

interface Changed extends ChangedOutcome {
  readonly file: string
}

export async function diffPolicy(args: readonly string[]): Promise<number> {
  const given = readOptions(args, { values: ['--cases'], flags: ['--json'] })
  if (typeof given === 'string') return fail(`diff-policy: ${given}\n\n${USAGE}`, 2)
  if (given.flags.has('--help')) {
    process.stdout.write(USAGE)
    return 0
  }
  const [before, after, ...more] = given.words
  const path = given.values.get('--cases')
  if (before === undefined || after === undefined || more.length > 0 || path === undefined) {
    return fail(`diff-policy: two policies and --cases are needed\n\n${USAGE}`, 2)
  }
  if (!existsSync(path)) return fail(`diff-policy: no such file or folder: ${path}\n`, 66)
  const found = [before, after].map(findPolicy)
  const missing = found.find((policy) => typeof policy === 'string')
  if (missing !== undefined) return fail(`diff-policy: ${missing}\n`, 66)
  try {
    const configs = found.flatMap((policy) =>
      typeof policy === 'string' ? [] : [readPolicy(policy.scripts, policy.file)],
    )
    return await compare(configs, path, given.flags.has('--json'))
  } catch (error) {
    if (error instanceof TapeError) return fail(`${error.message}\n`, 65)
    if (error instanceof ConfigError || error instanceof PolicyError)
      return fail(`${error.message}\n`, 78)
    throw error
  }
}

async function compare(configs: readonly Config[], path: string, isJson: boolean): Promise<number> {
  const changed: Changed[] = []
  let recipients = 0
  const cases = readCases(path)
  for (const { file, tape } of cases) {
    const [before = [], after = []] = await Promise.all(
      configs.map((config) => outcomes(config, tape)),
    )
    recipients += Math.max(before.length, after.length)
    changed.push(...changesBetween(before, after).map((change) => ({ ...change, file })))
  }
  const summary = { cases: cases.length, recipients, changed: changed.length }
  if (isJson) process.stdout.write(`${JSON.stringify({ summary, changed })}\n`)
  else print(changed, summary)
  return changed.length > 0 ? 1 : 0
}

async function outcomes(config: Config, tape: Tape): Promise<Outcome[]> {
  const rehearsal = await openRehearsal({ config, ...startOf(tape) })
  const { transactions } = await replay(rehearsal, tape)
  await rehearsal.close()
  return outcomesOf(transactions)
}

function print(
  changed: readonly Changed[],
  summary: { readonly cases: number; readonly recipients: number },
): void {
  const palette = paletteFor(process.stdout)
  for (const { file, message, rcptto, before, after } of changed) {
    const phase = `${file}, message ${message}:`
    process.stdout.write(
      differenceText({ phase, about: rcptto, recorded: before, played: after }, palette),
    )
  }
  const text = `${changed.length} of ${summary.recipients} recipients in ${summary.cases} cases change`
  process.stdout.write(`${changed.length > 0 ? palette.bad(text) : palette.good(text)}\n`)
}

function fail(text: string, code: number): number {
  process.stderr.write(text)
  return code
}
