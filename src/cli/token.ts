// `eachrcpt token decode TOKEN [--config FILE] [--json]`: what a tracking link says, opened with the keys of the
// configuration. Exit codes: 65 it does not open, 78 a broken configuration.
import { parseArgs } from 'node:util'
import { ConfigError } from '../config/error.ts'
import { knownKeyring } from '../keyfile.ts'
import { textual } from '../mail/textual.ts'
import { factsText } from '../rehearsal/tokenlines.ts'
import { safe } from '../rehearsal/paint.ts'
import { rehearsalKeys } from '../rehearsal/world.ts'
import type { Keyring } from '../tracking/keyring.ts'
import { parsePath, type TokenPath } from '../tracking/path.ts'
import { type Opened, openToken } from '../tracking/token.ts'
import { readConfig } from './console.ts'
import { standardTerminal, type Terminal } from './terminal.ts'

const USAGE = `usage: eachrcpt token decode TOKEN [--config FILE] [--json]

  TOKEN   a tracked link or pixel: its URL, its path, or what follows /f/a/ or
          /q/; - reads it from standard input

The keys are tracking_keys of the configuration, or the key beside its spool.
What eachrcpt run has sealed opens, too. Nothing is asked of a server.
`

const EXIT_USAGE = 2
const EXIT_DATA = 65
const EXIT_CONFIG = 78

type OpenedToken = Extract<Opened, { readonly kind: 'opened' }>

export async function token(
  args: readonly string[],
  terminal: Terminal = standardTerminal(),
): Promise<number> {
  const fail = (text: string, code: number): number => {
    terminal.complain(`token: ${text}`)
    return code
  }
  if (args.includes('--help')) {
    terminal.write(USAGE)
    return 0
  }
  const read = readArguments(args)
  if (typeof read === 'string') return fail(`${read}; try eachrcpt token --help`, EXIT_USAGE)
  try {
    const given = read.token === '-' ? (await terminal.readInput()).toString('latin1') : read.token
    const config = readConfig(read.file)
    const real = await knownKeyring(config)
    const keyrings = [...(real ? [real] : []), rehearsalKeys(config)]
    const opened = openWith(keyrings, pathsOf(given.trim()))
    if (typeof opened === 'string') return fail(opened, EXIT_DATA)
    terminal.write(read.isJson ? `${JSON.stringify(dataOf(opened), null, 2)}\n` : textOf(opened))
    return 0
  } catch (error) {
    if (error instanceof ConfigError) return fail(error.message, EXIT_CONFIG)
    throw error
  }
}

function readArguments(args: readonly string[]) {
  try {
    const options = { config: { type: 'string' }, json: { type: 'boolean' } } as const
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    const [verb, given, ...more] = positionals
    if (verb !== 'decode' || given === undefined || more.length > 0) return 'expected decode TOKEN'
    return { token: given, file: values.config, isJson: values.json ?? false }
  } catch (error) {
    return error instanceof Error ? error.message.replace(/\. To specify.*/s, '') : String(error)
  }
}

/** What the text may be: without its route a token may be a click or an open. */
function pathsOf(text: string): readonly TokenPath[] {
  const path = text.replace(/^https?:\/\/[^/]*/i, '')
  const whole = path.startsWith('/') ? path : `/${path}`
  const spellings = /^\/[fq]\//.test(whole) ? [whole] : [`/f/a${whole}`, `/q${whole}`]
  return spellings.flatMap((spelling) => parsePath(spelling) ?? [])
}

function openWith(keyrings: readonly Keyring[], paths: readonly TokenPath[]): OpenedToken | string {
  let isOurs = false
  for (const keyring of keyrings) {
    for (const path of paths) {
      const opened = openToken(keyring, path)
      if (opened.kind === 'opened') return opened
      isOurs ||= opened.kind === 'bad'
    }
  }
  return isOurs
    ? 'it is damaged, cut short, altered, or sealed by a denied key'
    : 'none of our keys has sealed it: is it the right configuration?'
}

function dataOf({ action, target, name, facts }: OpenedToken) {
  const { rcptTo, rawRcptTo, mailfrom, expirySeconds, ...rest } = facts
  const addresses = textual({ rcptTo, rawRcptTo, ...(mailfrom !== undefined && { mailfrom }) })
  const expires = new Date(expirySeconds * 1000).toISOString()
  return { action, target, name, ...addresses, ...rest, expires }
}

function textOf(opened: OpenedToken): string {
  const { action, target, name, facts } = opened
  const { rcptTo, rawRcptTo, mailfrom } = facts
  const addresses = textual({ rcptTo, rawRcptTo, ...(mailfrom !== undefined && { mailfrom }) })
  const link = target === '' ? [] : [`target   ${safe(target)}`, `name     ${safe(name)}`]
  const lines = [`action   ${action}`, ...link, `says     ${factsText({ ...facts, ...addresses })}`]
  return `${lines.join('\n')}\n`
}
