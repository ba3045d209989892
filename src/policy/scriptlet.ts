// Finding the file of a `script` stanza. `source` has dots or slashes between folders and no extension
// (Momentum manual page "modules.scriptlet"); it is looked for below each root in order.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Place, ConfigError } from '../config/error.ts'

export interface Script {
  /** The name of the stanza. */
  readonly name: string
  readonly source: string
  readonly place: Place
  /** The file itself, where `source` is not to be looked for. */
  readonly path?: string
  /** With it, what the file says: it is not read. */
  readonly text?: Buffer
}

export interface Scriptlet {
  readonly name: string
  readonly path: string
  readonly text: Buffer
}

/** Momentum's own start-up script: accepted, nothing to run. */
const BOOT = 'msys.boot'

/** Reads the scripts in stanza order. A missing one raises a ConfigError that names every path tried. */
export function readScriptlets(
  scripts: readonly Script[],
  roots: readonly string[],
): readonly Scriptlet[] {
  return scripts
    .filter((script) => script.source.replaceAll('/', '.') !== BOOT)
    .map((script) => readScriptlet(script, roots))
}

function readScriptlet(script: Script, roots: readonly string[]): Scriptlet {
  if (script.path !== undefined) return readFile(script, script.path)
  const file = `${script.source.replaceAll('.', '/')}.lua`
  const paths = roots.map((root) => join(root, file))
  const path = paths.find((candidate) => existsSync(candidate))
  if (path === undefined) {
    const hint = script.source.endsWith('.lua')
      ? ' (a source has no ".lua": its dots are folders)'
      : ''
    throw new ConfigError(
      script.place,
      'source',
      `script "${script.name}": no such file${hint}; searched: ${paths.join(', ')}`,
    )
  }
  return { name: script.name, path, text: readFileSync(path) }
}

function readFile({ name, place, text }: Script, path: string): Scriptlet {
  try {
    return { name, path, text: text ?? readFileSync(path) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError(place, undefined, `script "${name}" cannot be read: ${reason}`)
  }
}
