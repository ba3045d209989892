// `eachrcpt check`: reads a configuration and its scripts, or files and folders of scripts, and says what
// will not work, before anything runs. Exits with 0, 1 on findings at or over the level, 2 on
// wrong usage, 66 when there is nothing to read.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { type Checked, checkScripts, reaches } from '../check/check.ts'
import { type Finding, finding, type Level, LEVELS } from '../check/finding.ts'
import type { FindModule, ScriptSource } from '../check/load.ts'
import { htmlText } from '../check/output/html.ts'
import { jsonText } from '../check/output/json.ts'
import { sarifText } from '../check/output/sarif.ts'
import { plainText } from '../check/output/text.ts'
import { ConfigError } from '../config/error.ts'
import { loadConfig } from '../config/load.ts'
import { allowFiles } from '../lua/files.ts'
import { findModule } from '../lua/module.ts'
import { readScriptlets } from '../policy/scriptlet.ts'
import { VERSION } from '../observing/version.ts'
import { BUNDLED_FOLDERS } from './folders.ts'
import { isTestFile } from './testfiles.ts'

const USAGE = `usage: eachrcpt check [options] [--config FILE | PATH…]

Says what of the API scripts use, whether it works here, and what will go wrong.
A PATH is a script, a folder of scripts, or - for a script on standard input.

  --config FILE    check a configuration and every script it reaches
  --level LEVEL    exit with 1 from here on: error (default), warning, info
  --json           findings and uses as JSON
  --sarif          findings as SARIF 2.1.0, for code scanning
  --html           one page to read or pass on
  --uses           list every place where the API is used, too
  --quiet          findings at or over the level only
`

const EXIT_NO_INPUT = 66

export async function check(args: readonly string[]): Promise<number> {
  const options = readArguments(args)
  if (typeof options === 'string') {
    process.stderr.write(`check: ${options}\n\n${USAGE}`)
    return 2
  }
  if ('help' in options) {
    process.stdout.write(USAGE)
    return 0
  }
  const inputs = readInputs(options)
  if (typeof inputs === 'string') {
    process.stderr.write(`check: ${inputs}\n`)
    return EXIT_NO_INPUT
  }
  const checked = checkScripts(inputs.sources, inputs.find, inputs.findings)
  process.stdout.write(render(checked, options))
  return checked.findings.some(({ level }) => reaches(level, options.level)) ? 1 : 0
}

interface Options {
  readonly config: string | undefined
  readonly paths: readonly string[]
  readonly level: Level
  readonly format: 'text' | 'json' | 'sarif' | 'html'
  readonly showsUses: boolean
  readonly isQuiet: boolean
}

function readArguments(args: readonly string[]): Options | { readonly help: true } | string {
  let config: string | undefined
  let level: Level = 'error'
  let format: Options['format'] = 'text'
  const [paths, flags]: [string[], Set<string>] = [[], new Set()]
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    if (arg === '--help') return { help: true }
    if (arg === '--json' || arg === '--sarif' || arg === '--html') {
      format = arg === '--json' ? 'json' : arg === '--sarif' ? 'sarif' : 'html'
    } else if (arg === '--uses' || arg === '--quiet') flags.add(arg)
    else if (arg === '--config') {
      config = args[++at]
      if (config === undefined) return '--config needs a file'
    } else if (arg === '--level') {
      const found = LEVELS.find((one) => one === args[at + 1])
      if (!found) return `--level is one of ${LEVELS.join(', ')}`
      level = found
      at++
    } else if (arg.startsWith('-') && arg !== '-') return `unknown option ${arg}`
    else paths.push(arg)
  }
  if (config !== undefined && paths.length > 0) return 'give either --config or paths, not both'
  if (config === undefined && paths.length === 0) return 'nothing to check: give --config or a path'
  const [showsUses, isQuiet] = [flags.has('--uses'), flags.has('--quiet')]
  return { config, paths, level, format, showsUses, isQuiet }
}

interface Inputs {
  readonly sources: readonly ScriptSource[]
  readonly find: FindModule
  readonly findings: readonly Finding[]
}

/** A text: what cannot be read. */
function readInputs({ config, paths }: Options): Inputs | string {
  try {
    return config === undefined ? fromPaths(paths) : fromConfig(config)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return error.message
    throw error
  }
}

function fromPaths(paths: readonly string[]): Inputs | string {
  const files: string[] = []
  const roots: string[] = []
  const sources: ScriptSource[] = []
  for (const path of paths) {
    if (path === '-') {
      sources.push({ file: '<stdin>', source: readFileSync(0) })
      continue
    }
    const kind = kindOf(path)
    if (kind === undefined) return `${path}: no such file or folder`
    if (kind === 'folder') files.push(...scriptsBelow(path))
    else files.push(path)
    roots.push(kind === 'folder' ? path : dirname(path))
  }
  if (files.length + sources.length === 0) return `no script (*.lua) in ${paths.join(', ')}`
  for (const file of files) sources.push({ file: shown(file), source: readFileSync(file) })
  const find = finder([...roots, '.', ...BUNDLED_FOLDERS])
  return { sources, find: orAmong(sources, find), findings: [] }
}

/** Without a configuration nobody knows the search path: a file that is checked will do. */
function orAmong(sources: readonly ScriptSource[], find: FindModule): FindModule {
  return (name) => {
    const found = find(name)
    if (found.kind === 'found') return found
    const path = `${name.replaceAll('.', '/')}.lua`
    const source = sources.find(({ file }) => file === path || file.endsWith(`/${path}`))
    return source ? { kind: 'found', ...source } : found
  }
}

function fromConfig(file: string): Inputs | string {
  if (kindOf(file) !== 'file') return `${file}: no such file`
  const findings: Finding[] = []
  const sources: ScriptSource[] = []
  let roots: readonly string[] = []
  try {
    const options = { lenient: true, defaultHostname: hostname(), searchPath: BUNDLED_FOLDERS }
    const { config, warnings } = loadConfig(file, options)
    findings.push(...warnings.map(warningOf))
    roots = config.scriptlet.searchPath
    for (const script of config.scriptlet.scripts) {
      try {
        for (const { name, path, text } of readScriptlets([script], roots)) {
          sources.push({ file: shown(path), source: text, stanza: name })
        }
      } catch (error) {
        findings.push(problemOf(error))
      }
    }
  } catch (error) {
    findings.push(problemOf(error))
  }
  return { sources, find: finder(roots), findings }
}

/** A warning of the configuration, `FILE:LINE: text`. */
function warningOf(text: string): Finding {
  const [, file = '', line = '0', message = text] = /^(.*?):(\d+): (.*)$/s.exec(text) ?? []
  const place = { file: shown(file), line: Number(line), column: 1 }
  return finding('config', place, message, { level: 'warning' })
}

function problemOf(error: unknown): Finding {
  if (!(error instanceof ConfigError)) throw error
  const { file, line, column } = error.place
  const name = error.option ?? ''
  return finding('config', { file: shown(file), line, column }, error.complaint, { name })
}

/** Finds modules below some folders, as the server does. */
function finder(roots: readonly string[]): FindModule {
  const folders = roots.map((root) => resolve(root))
  const files = allowFiles(folders)
  const path = folders.map((folder) => join(folder, '?.lua')).join(';')
  return (name) => {
    const found = findModule(files, path, name)
    if (found.kind === 'found') {
      return { kind: 'found', file: shown(found.path), source: found.source }
    }
    return { kind: 'missing', tried: found.kind === 'refused' ? [found.why] : [] }
  }
}

function scriptsBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory())
      return entry.name === '_meta' || entry.name.startsWith('.') ? [] : scriptsBelow(path)
    return entry.name.endsWith('.lua') && !isTestFile(entry.name) ? [path] : []
  })
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && (found.isDirectory() ? 'folder' : 'file')
}

/** A path as people know it: from where they are, unless it is elsewhere. */
function shown(path: string): string {
  const near = relative('.', path)
  return near.startsWith('..') || near === '' ? path : near
}

function render(checked: Checked, options: Options): string {
  const { format, level, showsUses, isQuiet } = options
  switch (format) {
    case 'json':
      return jsonText(checked)
    case 'sarif':
      return sarifText(checked, VERSION)
    case 'html':
      return htmlText(checked, VERSION)
    case 'text':
      return plainText(checked, {
        isColoured: isColoured(),
        showsUses,
        only: isQuiet ? (one) => reaches(one.level, level) : undefined,
      })
    default:
      return format satisfies never
  }
}

/** https://no-color.org */
function isColoured(): boolean {
  return process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === ''
}
