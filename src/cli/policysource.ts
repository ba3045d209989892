// A policy as the command line names it: scripts, or a configuration.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/config.ts'
import { readConfiguration } from '../rehearsal/configuration.ts'
import { BUNDLED_FOLDERS } from './folders.ts'
import { isTestFile } from './testfiles.ts'

/** Raises ConfigError. Scripts take the place of those of the configuration. */
export function readPolicy(scripts: readonly string[], file: string | undefined): Config {
  return readConfiguration({ file, scripts, searchPath: BUNDLED_FOLDERS }).config
}

/** A script, a configuration, or a folder with one of either. A text: what is wrong. */
export function findPolicy(
  path: string,
): { readonly scripts: string[]; readonly file?: string } | string {
  if (!existsSync(path)) return `no such file or folder: ${path}`
  if (!statSync(path).isDirectory()) {
    return path.endsWith('.lua') ? { scripts: [path] } : { scripts: [], file: path }
  }
  const names = readdirSync(path).sort()
  const configurations = names.filter((name) => name.endsWith('.conf'))
  if (configurations.length > 1) {
    return `${path} has several configurations, name one: ${configurations.join(', ')}`
  }
  const [configuration] = configurations
  if (configuration !== undefined) return { scripts: [], file: join(path, configuration) }
  const scripts = names.filter((name) => name.endsWith('.lua') && !isTestFile(name))
  if (scripts.length === 0) return `${path} has no configuration and no scripts`
  return { scripts: scripts.map((name) => join(path, name)) }
}
