// `eachrcpt replay`: recorded sessions played again through a policy, and compared. Exit codes: 1 when
// something differs, 2 for wrong usage, 65 for a broken file, 66 when there is none, 78 for a broken policy.
import { existsSync, writeFileSync } from 'node:fs'
import { ConfigError } from '../config/error.ts'
import { PolicyError } from '../policy/policy.ts'
import { compareTapes, type Difference } from '../recording/difference.ts'
import { replay as play, startOf } from '../recording/replay.ts'
import { TapeError, writeTape } from '../recording/tape.ts'
import { messagesIn } from '../recording/transcript.ts'
import { openRehearsal } from '../rehearsal/rehearsal.ts'
import { type Case, readCases } from './casefiles.ts'
import { readOptions } from './options.ts'
import { paletteFor } from './palette.ts'
import { readPolicy } from './policysource.ts'
import { differenceText } from './replaytext.ts'

const USAGE = `usage: eachrcpt replay CASES POLICY… [options]
       eachrcpt replay CASES --config FILE [options]

Plays the sessions of CASES (.session files or a folder of them) through a
policy, and says what differs: replies, what each recipient gets, context.
Tokens of links, ids and dates are no difference.

  --config FILE    the configuration; POLICY… replaces its scripts
  --update         write what there is now into the files
  --codes-only     texts of refusals may differ
  --json           for programs

Exits 1 when something differs.
`

export async function replay(args: readonly string[]): Promise<number> {
  const given = readOptions(args, {
    values: ['--config'],
    flags: ['--update', '--codes-only', '--json'],
  })
  if (typeof given === 'string') return fail(`replay: ${given}\n\n${USAGE}`, 2)
  const { values, flags, words } = given
  if (flags.has('--help')) {
    process.stdout.write(USAGE)
    return 0
  }
  const [path, ...scripts] = words
  const file = values.get('--config')
  if (path === undefined || (scripts.length === 0 && file === undefined)) {
    return fail(`replay: cases and a policy are needed\n\n${USAGE}`, 2)
  }
  if (!existsSync(path)) return fail(`replay: no such file or folder: ${path}\n`, 66)
  try {
    const cases = readCases(path)
    if (cases.length === 0) return fail(`replay: no .session or .eml files in ${path}\n`, 66)
    const config = readPolicy(scripts, file)
    const results: Result[] = []
    for (const one of cases) {
      const rehearsal = await openRehearsal({ config, ...startOf(one.tape) })
      const { tape } = await play(rehearsal, one.tape)
      await rehearsal.close()
      const differences = compareTapes(one.tape, tape, { codesOnly: flags.has('--codes-only') })
      results.push({ ...one, differences })
      if (flags.has('--update') && one.file.endsWith('.session'))
        writeFileSync(one.file, writeTape(tape))
    }
    report(results, flags.has('--json'))
    const differ = results.some(({ differences }) => differences.length > 0)
    return differ && !flags.has('--update') ? 1 : 0
  } catch (error) {
    if (error instanceof TapeError) return fail(`${error.message}\n`, 65)
    if (error instanceof ConfigError || error instanceof PolicyError)
      return fail(`${error.message}\n`, 78)
    throw error
  }
}

interface Result extends Case {
  readonly differences: readonly Difference[]
}

function report(results: readonly Result[], isJson: boolean): void {
  const differ = results.filter(({ differences }) => differences.length > 0)
  const byPhase: Record<string, number> = {}
  for (const { phase } of differ.flatMap(({ differences }) => differences)) {
    byPhase[phase] = (byPhase[phase] ?? 0) + 1
  }
  const sessions = results.length
  const messages = results.flatMap(({ tape }) => messagesIn(tape.entries)).length
  const summary = { sessions, messages, differing: differ.length, byPhase }
  if (isJson) {
    const found = differ.map(({ file, differences }) => ({ file, differences }))
    process.stdout.write(`${JSON.stringify({ summary, sessions: found })}\n`)
    return
  }
  const palette = paletteFor(process.stdout)
  for (const { file, differences } of differ) {
    const texts = differences.map((difference) => differenceText(difference, palette))
    process.stdout.write(`${file}\n${texts.join('')}`)
  }
  const phases = Object.entries(byPhase).map(([phase, count]) => `${phase} ${count}`)
  const end = differ.length > 0 ? `${differ.length} differ (${phases.join(', ')})` : 'no difference'
  const colour = differ.length > 0 ? palette.bad : palette.good
  process.stdout.write(`${sessions} sessions, ${messages} messages: ${colour(end)}\n`)
}

function fail(text: string, code: number): number {
  process.stderr.write(text)
  return code
}
