// The configuration of a rehearsal: a file, a text, or a default under which anybody may send anything and
// everything is tracked. Scripts that are named by their files take the place of those of the configuration.
import { dirname, resolve } from 'node:path'
import type { Config, Script } from '../config/config.ts'
import { loadConfig, type Loaded, parseConfig } from '../config/load.ts'

export interface ConfigSource {
  /** An ecelerity.conf. */
  readonly file?: string | undefined
  /** Its text instead; relative paths begin in the current folder. */
  readonly text?: string
  /** Paths of scripts, in the order of their callouts. */
  readonly scripts?: readonly string[]
  /** What is unknown is warned about instead of refused. */
  readonly lenient?: boolean
  /** Folders in which scripts are found without being configured. */
  readonly searchPath: readonly string[]
}

const DEFAULT = `
hostname = "mail.example"

smtpapi {}

esmtp_listener {
  listen "127.0.0.1:2525" {}
  open_relay = true
  smtp_extensions = ( ENHANCEDSTATUSCODES XSETCONTEXT XDUMPCONTEXT )
  open_tracking_enabled = true
  click_tracking_enabled = true
  tracking_domain = "127.0.0.1:8080"
}
`

/** Raises ConfigError. */
export function readConfiguration(source: ConfigSource): Loaded {
  const { file, text, scripts = [], lenient = false, searchPath } = source
  const options = { lenient, defaultHostname: 'mail.example', searchPath }
  const folder = process.cwd()
  const loaded =
    file !== undefined
      ? loadConfig(file, options)
      : parseConfig(text ?? DEFAULT, 'default configuration', { ...options, folder })
  const isOwn = file !== undefined || text !== undefined
  const warnings = isOwn ? loaded.warnings : []
  return {
    ...loaded,
    config: scripts.length > 0 ? withScripts(loaded.config, scripts) : loaded.config,
    warnings,
  }
}

function withScripts(config: Config, paths: readonly string[]): Config {
  const scripts = paths.map((given): Script => {
    const path = resolve(given)
    const name = nameOf(path)
    return { name, source: name, path, place: { file: given, line: 1, column: 1 } }
  })
  const folders = paths.map((path) => dirname(resolve(path)))
  const { scriptlet } = config
  const searchPath = [...new Set([...folders, ...scriptlet.searchPath, process.cwd()])]
  return { ...config, scriptlet: { ...scriptlet, searchPath, scripts } }
}

function nameOf(path: string): string {
  return path.replace(/^.*\//, '').replace(/\.lua$/, '')
}
