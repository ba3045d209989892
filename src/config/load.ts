// From ecelerity.conf, or its text, to the typed configuration and its warnings (`FILE:LINE: text`).
import { dirname, resolve } from 'node:path'
import { encode } from './bytes.ts'
import { buildConfig, type Config } from './config.ts'
import {
  type ConfigFiles,
  DISK,
  includeFrom,
  keeping,
  keptFiles,
  type KeptFiles,
  readSource,
} from './include.ts'
import { makeLive } from './live.ts'
import { lookUpIn } from './lookup.ts'
import { parse, type Source } from './parser.ts'
import type { Warn } from './schema/option.ts'
import { checkScope, collectWarnings } from './stanza.ts'

export interface LoadOptions {
  /** Unknown options and scopes, and misplaced ones, are warned about instead of refused. */
  readonly lenient: boolean
  /** The server's name where `hostname` does not say it. */
  readonly defaultHostname: string
  /** Where included files and scripts are looked for after the configuration's own folder. */
  readonly searchPath?: readonly string[]
  /** What was read before, in place of what is there now. */
  readonly kept?: KeptFiles | undefined
}

export interface Loaded {
  readonly config: Config
  readonly warnings: readonly string[]
  /** What was read. */
  readonly files: KeptFiles
}

/** Relative paths in the file begin in its folder. Throws `ConfigError`. */
export function loadConfig(path: string, options: LoadOptions): Loaded {
  const kept = new Map<string, readonly Source[]>()
  const files = keeping(options.kept ? keptFiles(options.kept) : DISK, kept)
  const loaded = build(readSource(path, files), dirname(resolve(path)), options, files)
  return { ...loaded, files: kept }
}

/** A configuration without a file: `file` names it in messages, relative paths begin in `folder`. */
export function parseConfig(
  text: string,
  file: string,
  options: LoadOptions & { readonly folder: string },
): Loaded {
  const loaded = build({ file, text: encode(text) }, resolve(options.folder), options, DISK)
  return { ...loaded, files: new Map() }
}

function build(
  source: Source,
  folder: string,
  options: LoadOptions,
  files: ConfigFiles,
): Omit<Loaded, 'files'> {
  const { lenient, defaultHostname, searchPath = [] } = options
  const tree = parse(source, includeFrom(source.file, folder, searchPath, files))
  const scriptFolders = [folder, ...searchPath]
  const make = (warn: Warn): Config => {
    const root = checkScope(tree, { lenient, folder, warn })
    return buildConfig(root, { defaultHostname, scriptFolders, live, warn })
  }
  // What was warned about is not said again with every change.
  const live = makeLive(tree, lookUpIn(tree), () => make(() => {}))
  const { warn, warnings } = collectWarnings()
  return { config: make(warn), warnings }
}
