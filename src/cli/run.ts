// `eachrcpt run`: one mail through every phase, without a server.
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { ConfigError } from '../config/error.ts'
import { findFields } from '../mime/header.ts'
import { fieldValue, splitHeader } from '../mime/field.ts'
import { parseAddresses } from '../mime/addresslist.ts'
import { PolicyError } from '../policy/policy.ts'
import { readConfiguration } from '../rehearsal/configuration.ts'
import { FixtureError, NO_FIXTURES, readFixtures } from '../rehearsal/fixtures.ts'
import { htmlReport } from '../rehearsal/htmlreport.ts'
import { coloured, plain } from '../rehearsal/paint.ts'
import { NoListenError, openRehearsal, rehearse } from '../rehearsal/rehearsal.ts'
import { reportRun, type RunReport } from '../rehearsal/report.ts'
import { textReport } from '../rehearsal/textreport.ts'
import { BUNDLED_FOLDERS } from './folders.ts'
import { standardTerminal, type Terminal } from './terminal.ts'
import { readRunArguments, RUN_USAGE, type RunArguments } from './runarguments.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
const EXIT_DATA = 65
const EXIT_NO_INPUT = 66
const EXIT_CANNOT_CREATE = 73
const EXIT_CONFIG = 78

export async function run(
  args: readonly string[],
  terminal: Terminal = standardTerminal(),
): Promise<number> {
  const fail = (text: string, code: number): number => {
    terminal.complain(text)
    return code
  }
  if (args.includes('--help')) {
    terminal.write(RUN_USAGE)
    return 0
  }
  const options = readRunArguments(args)
  if (typeof options === 'string') {
    return fail(`run: ${options}; try eachrcpt run --help`, EXIT_USAGE)
  }
  const message = await readMessage(options, terminal)
  if (typeof message === 'string') return fail(`run: ${message}`, EXIT_NO_INPUT)
  const envelope = envelopeOf(options, message)
  if (envelope.rcpttos.length === 0) {
    return fail('run: the mail names no recipient; give one with --rcpt', EXIT_USAGE)
  }
  let report: RunReport
  try {
    report = await play(options, message, envelope, terminal)
  } catch (error) {
    if (error instanceof FixtureError) {
      return fail(`${options.fixtures}: ${error.message}`, EXIT_DATA)
    }
    if (error instanceof ConfigError || error instanceof PolicyError) {
      return fail(error.message, EXIT_CONFIG)
    }
    if (error instanceof NoListenError) return fail(`run: ${error.message}`, EXIT_USAGE)
    throw error
  }
  if (options.emlOut !== undefined) {
    const failure = await writeCopies(options.emlOut, report)
    if (failure !== undefined) return fail(`run: ${failure}`, EXIT_CANNOT_CREATE)
  }
  terminal.write(render(report, options, terminal))
  return report.isSound ? 0 : EXIT_FAILED
}

/** A text: which file is not there. */
async function readMessage(
  { message, scripts, config, fixtures }: RunArguments,
  terminal: Terminal,
): Promise<Buffer | string> {
  try {
    for (const file of [...scripts, config, fixtures]) if (file !== undefined) await access(file)
    return message === '-' ? await terminal.readInput() : await readFile(message)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function play(
  options: RunArguments,
  message: Buffer,
  { mailfrom, rcpttos }: ReturnType<typeof envelopeOf>,
  { complain }: Terminal,
): Promise<RunReport> {
  const { config: file, scripts, lenient, atMs, messageContext } = options
  const loaded = readConfiguration({ file, scripts, lenient, searchPath: BUNDLED_FOLDERS })
  loaded.warnings.forEach(complain)
  const fixtures =
    options.fixtures === undefined
      ? NO_FIXTURES
      : readFixtures(await readFile(options.fixtures, 'utf8'))
  const rehearsal = await openRehearsal({
    fixtures,
    config: loaded.config,
    ...(atMs !== undefined && { startMs: atMs }),
    ...(options.trace && { clockMs: () => performance.now() }),
  })
  const result = await rehearse(rehearsal, {
    helo: options.helo,
    context: options.context,
    messageContext,
    ...(options.ip !== undefined && { peer: options.ip }),
    ...(options.listen !== undefined && { listen: options.listen }),
    ...(options.authUser !== undefined && { authUser: options.authUser }),
    ...(options.tls && { tls: true as const }),
    mails: [{ mailfrom, rcpttos, message }],
  })
  await rehearsal.close()
  return reportRun({
    scripts:
      scripts.length > 0 ? scripts : loaded.config.scriptlet.scripts.map(({ source }) => source),
    configuration: file,
    messageName: options.message === '-' ? 'standard input' : options.message,
    messageBytes: message.length,
    helo: options.helo,
    mailfrom,
    result,
  })
}

/** Who is not named is as the header says. */
function envelopeOf({ from, rcpttos }: RunArguments, message: Buffer) {
  const { fields } = splitHeader(message)
  const addresses = (name: string): string[] =>
    findFields(fields, name)
      .flatMap((field) => parseAddresses(fieldValue(field)))
      .map(({ address }) => address)
  return {
    mailfrom: from ?? addresses('from')[0] ?? '',
    rcpttos: rcpttos.length > 0 ? rcpttos : ['to', 'cc'].flatMap(addresses),
  }
}

function render(
  report: RunReport,
  { output, raw, quiet, trace }: RunArguments,
  { isColoured }: Terminal,
): string {
  if (output === 'json') {
    const { trace: records, ...rest } = report
    return `${JSON.stringify(trace ? { ...rest, trace: records } : rest, null, 2)}\n`
  }
  if (output === 'html') return htmlReport(report, { isTraced: trace })
  const paint = isColoured ? coloured : plain
  return textReport(report, { paint, isRaw: raw, isQuiet: quiet, isTraced: trace })
}

/** One file for each copy that would be relayed; a text: what cannot be written. */
async function writeCopies(folder: string, { recipients }: RunReport): Promise<string | undefined> {
  try {
    await mkdir(folder, { recursive: true })
    const taken = new Set<string>()
    for (const { rcptto, copy } of recipients) {
      if (copy?.bytes === undefined) continue
      const file = freeName(rcptto, taken)
      await writeFile(join(folder, file), Buffer.from(copy.bytes, 'base64'))
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** `anna@example.com.eml`; an address may hold anything. */
function freeName(rcptto: string, taken: Set<string>): string {
  const base = rcptto
    .replace(/[^\w.@+=-]/g, '_')
    .replace(/^\.+/, '_')
    .slice(0, 200)
  let name = `${base}.eml`
  for (let i = 2; taken.has(name.toLowerCase()); i++) name = `${base}.${i}.eml`
  taken.add(name.toLowerCase())
  return name
}
