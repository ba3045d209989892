// The configuration that all workers of a server have: the primary reads its files and scripts once, and workers,
// also those that start later in the place of others, take what it has read. Modules that scripts require,
// keys and certificates are read where they are used.
import type { Source } from '../config/parser.ts'
import type { KeptFiles } from '../config/include.ts'
import type { Loaded } from '../config/load.ts'
import { readScriptlets } from '../policy/scriptlet.ts'

/** Plain data; texts are byte strings. */
export interface Snapshot {
  readonly files: readonly (readonly [path: string, sources: readonly Source[]])[]
  /** In stanza order. */
  readonly scripts: readonly { readonly path: string; readonly text: string }[]
}

/** Raises a ConfigError for a script that is not there. */
export function snapshotOf({ config, files }: Loaded): Snapshot {
  const { scripts, searchPath } = config.scriptlet
  const found = scripts.map((script) => readScriptlets([script], searchPath)[0])
  return {
    files: [...files],
    scripts: found.map((script) => ({
      path: script?.path ?? '',
      text: script?.text.toString('latin1') ?? '',
    })),
  }
}

/** `load` is given the files in place of those on disk. */
export function loadSnapshot(
  { files, scripts }: Snapshot,
  load: (kept: KeptFiles) => Loaded,
): Loaded {
  const loaded = load(new Map(files))
  const { scriptlet } = loaded.config
  const withTexts = scriptlet.scripts.map((script, i) => {
    const { path = '', text = '' } = scripts[i] ?? {}
    return path === '' ? script : { ...script, path, text: Buffer.from(text, 'latin1') }
  })
  const config = { ...loaded.config, scriptlet: { ...scriptlet, scripts: withTexts } }
  return { ...loaded, config }
}
