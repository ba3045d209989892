// `eachrcpt config check|print`: whether a configuration and its scripts load, and what it comes to.
import { access } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import type { Loaded } from '../config/load.ts'
import { ConfigError } from '../config/error.ts'
import { effectiveOptions, type Section } from '../config/effective.ts'
import { PolicyError } from '../policy/policy.ts'
import { safe } from '../rehearsal/paint.ts'
import { readConfiguration } from '../rehearsal/configuration.ts'
import { openRehearsal } from '../rehearsal/rehearsal.ts'
import { EMBEDDED } from './embedded.ts'
import { BUNDLED_FOLDERS } from './folders.ts'
import { standardTerminal, type Terminal } from './terminal.ts'

const USAGE = `usage: eachrcpt config check [--config FILE] [--lenient]
       eachrcpt config print --effective [--config FILE] [--lenient] [--json]
                             [--peer ADDRESS] [--domain NAME]

  check    loads the configuration and its scripts as serve does, and opens
           nothing: no listener, no spool, no log
  print    every option with the value that holds for a client (--peer,
           127.0.0.1) and for a recipient's domain (--domain, example.com);
           secrets are not shown

Without --config the embedded default. Exit codes: 2 usage, 66 no such file,
78 it does not load: stderr says where and why.
`

const EXIT_USAGE = 2
const EXIT_NO_INPUT = 66
const EXIT_CONFIG = 78

const OPTIONS = {
  config: { type: 'string' },
  lenient: { type: 'boolean' },
  effective: { type: 'boolean' },
  peer: { type: 'string' },
  domain: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

export async function config(
  args: readonly string[],
  terminal: Terminal = standardTerminal(),
): Promise<number> {
  const fail = (text: string, code: number): number => {
    terminal.complain(text)
    return code
  }
  const read = readArguments(args)
  if (typeof read === 'string') {
    return fail(`config: ${read}; try eachrcpt config --help`, EXIT_USAGE)
  }
  const { verb, values } = read
  if (values.help) {
    terminal.write(USAGE)
    return 0
  }
  try {
    if (values.config !== undefined) await access(values.config)
  } catch (error) {
    return fail(`config: ${error instanceof Error ? error.message : ''}`, EXIT_NO_INPUT)
  }
  try {
    const loaded = load(values)
    loaded.warnings.forEach(terminal.complain)
    terminal.write(verb === 'check' ? await check(loaded) : print(loaded, values))
    return 0
  } catch (error) {
    if (error instanceof ConfigError || error instanceof PolicyError) {
      return fail(error.message, EXIT_CONFIG)
    }
    throw error
  }
}

type Values = ReturnType<typeof parse>['values']

function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parse(args)
    const [verb, ...more] = positionals
    if (values.help) return { verb, values }
    if ((verb !== 'check' && verb !== 'print') || more.length > 0) return 'expected check or print'
    if (verb === 'print' && !values.effective) return 'print: expected --effective'
    return { verb, values }
  } catch (error) {
    return error instanceof Error ? error.message.replace(/\. To specify.*/s, '') : String(error)
  }
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
}

function load({ config: file, lenient = false }: Values): Loaded {
  const text = file === undefined ? { text: EMBEDDED } : {}
  return readConfiguration({ file, ...text, lenient, searchPath: BUNDLED_FOLDERS })
}

async function check({ config: loaded, warnings }: Loaded): Promise<string> {
  const rehearsal = await openRehearsal({ config: loaded })
  await rehearsal.close()
  const count = (number: number, what: string): string =>
    `${number} ${what}${number === 1 ? '' : 's'}`
  const { smtp, http, scriptlet } = loaded
  return `good: ${[
    count(smtp.length, 'SMTP listener'),
    count(http.length, 'HTTP listener'),
    count(scriptlet.scripts.length, 'script'),
    count(warnings.length, 'warning'),
  ].join(', ')}\n`
}

function print({ config: loaded }: Loaded, values: Values): string {
  const { peer = '127.0.0.1', domain = 'example.com', json } = values
  const sections = effectiveOptions(loaded, { peer, domain })
  if (!json) return sections.map(sectionText).join('\n')
  const data = sections.map(({ title, options }) => ({
    title,
    options: Object.fromEntries(options.map(({ name, value }) => [name, value])),
  }))
  return `${JSON.stringify(data, null, 2)}\n`
}

function sectionText({ title, options }: Section): string {
  return [`# ${title}`, ...options.map(({ name, value }) => `${name} = ${value}`), '']
    .map(safe)
    .join('\n')
}
