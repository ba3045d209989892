// `eachrcpt ctl COMMAND…`: one command to the console of the running server. Exit codes: 1 when the command
// fails, 69 when no server listens, 78 for a broken configuration.
import { ConfigError } from '../config/error.ts'
import { askServer, printAnswer, readConfig, readConsoleArguments } from './console.ts'

export async function ctl(args: readonly string[]): Promise<number> {
  const read = readConsoleArguments(args)
  if (typeof read === 'string') return fail(`ctl: ${read}`, 2)
  try {
    const config = readConfig(read.file)
    const words = read.words.length > 0 ? read.words : ['help']
    const answer = await askServer(config, words)
    if (answer) return printAnswer(answer, read.isJson)
    return fail(`no server listens on ${config.control.paths.join(', ') || 'a control socket'}`, 69)
  } catch (error) {
    return fail(
      String(error instanceof Error ? error.message : error),
      error instanceof ConfigError ? 78 : 69,
    )
  }
}

function fail(text: string, code: number): number {
  process.stderr.write(`${text}\n`)
  return code
}
