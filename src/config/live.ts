// Options that change while the server runs (Momentum console command "config": set, unset): how mail goes out
// and how it is received. A change holds until the next reload, which goes by the file; the file stays as it
// is. What was read once, when the server or its scripts started, cannot be changed and says so by its name.
import type { Config } from './config.ts'
import { ConfigError, quote } from './error.ts'
import { type LookUp, NO_OPTIONS, readPath, type Step } from './lookup.ts'
import { parse } from './parser.ts'
import { LISTENER } from './schema/option.ts'
import { rowsOf } from './schema/table.ts'
import type { OpenScope, Setting } from './tree.ts'
import { openScope } from './tree.ts'

export interface Live {
  /** Any option by its name. */
  readonly lookUp: LookUp
  /** `words`: scopes, each with its name if it has one, and the option. `value` undefined: unset. */
  change(words: readonly string[], value: string | undefined): Changed
  /** Called with every configuration that a change makes. */
  watch(onChange: (config: Config) => void): void
}

export type Changed =
  /** As the console says it. */
  | { readonly kind: 'changed'; readonly text: string }
  | { readonly kind: 'wrong'; readonly text: string }

/** Where there is no configuration. */
export const NO_LIVE: Live = {
  lookUp: NO_OPTIONS,
  change: () => wrong('there is no configuration here'),
  watch: () => {},
}

/** The same; `changed` is told what is changed through it, as the words of the console's command. */
export function telling(live: Live, changed: (command: readonly string[]) => void): Live {
  return {
    ...live,
    change(words, value) {
      const before = live.lookUp(words, 'get')
      const answer = live.change(words, value)
      const isSame =
        before.kind === 'found'
          ? before.text === value
          : before.kind === 'unset' && value === undefined
      if (answer.kind === 'changed' && !isSame) {
        changed(
          value === undefined ? ['config', 'unset', ...words] : ['config', 'set', ...words, value],
        )
      }
      return answer
    },
  }
}

/** Nobody can make more scopes than this. */
const MAX_MADE = 1_000
const SENDING = ['domain', 'binding', 'binding_group']
const PLACE = { file: 'config set', line: 1, column: 1 }

/** `build` makes the configuration of the tree as it is, or throws ConfigError. */
export function makeLive(tree: OpenScope, lookUp: LookUp, build: () => Config): Live {
  const watchers: ((config: Config) => void)[] = []
  let made = 0

  const apply = (scope: OpenScope, name: string, setting: Setting | undefined): void => {
    const before = scope.options.get(name)
    put(scope, name, setting)
    try {
      const config = build()
      for (const onChange of watchers) onChange(config)
    } catch (error) {
      put(scope, name, before)
      throw error
    }
  }

  return {
    lookUp,
    watch: (onChange) => void watchers.push(onChange),
    change(words, value) {
      const option = words.at(-1) ?? ''
      const name = option.toLowerCase()
      const path = readPath(words.slice(0, -1))
      if (!path) return wrong(`no scope is named ${quote(words.slice(0, -1).join(' '))}`)
      const complaint = complaintAbout(name, path)
      if (complaint !== undefined) return wrong(complaint)
      const found = find(tree, path)
      if (!found.scope && (found.isFixed || value === undefined || made >= MAX_MADE)) {
        return wrong(
          `there is no ${path.map(({ kind, instance = '' }) => `${kind} ${instance}`.trim()).join(' ')}`,
        )
      }
      try {
        const setting = value === undefined ? undefined : readSetting(name, value)
        if (!found.scope) made++
        apply(found.scope ?? makeScope(tree, path), name, setting)
      } catch (error) {
        if (error instanceof ConfigError)
          return wrong(error.message.replace(/^config set:\d+: /, ''))
        throw error
      }
      return {
        kind: 'changed',
        text: value === undefined ? `${option} unset` : `${option} = ${value}`,
      }
    },
  }
}

function wrong(text: string): Changed {
  return { kind: 'wrong', text }
}

/** Why an option cannot be changed there; undefined: it can. */
function complaintAbout(name: string, path: readonly Step[]): string | undefined {
  const kind = path.at(-1)?.kind ?? 'global'
  const rows = rowsOf(name)
  const row = rows.find(({ scopes }) => scopes.includes(kind))
  if (!row) {
    return rows.length === 0
      ? `unknown option ${quote(name)}`
      : `option ${quote(name)} is not valid in ${kind}`
  }
  if (row.support === 'known') return `option ${quote(name)} is known but not supported yet`
  const isLive = [...SENDING, ...LISTENER].some((scope) => row.scopes.includes(scope))
  const isSocket = name === 'enable'
  if (isLive && !isSocket) return undefined
  return `option ${quote(name)} cannot be changed while the server runs: change the file and reload`
}

function find(
  tree: OpenScope,
  path: readonly Step[],
): { readonly scope: OpenScope | undefined; readonly isFixed: boolean } {
  let scope: OpenScope | undefined = tree
  let isFixed = false
  for (const { kind, instance } of path) {
    const above: OpenScope | undefined = scope
    scope = above && below(above, kind, instance)
    // Domains and peers come and go; what is listened on, and bindings that policy knows, do not.
    isFixed ||= !scope && kind !== 'domain' && kind !== 'peer'
  }
  return { scope, isFixed }
}

function below(
  scope: OpenScope,
  kind: string,
  instance: string | undefined,
): OpenScope | undefined {
  const named = instance?.toLowerCase()
  return scope.scopes.find(
    (one) => one.kind === kind && (named === undefined || one.instance?.toLowerCase() === named),
  )
}

function makeScope(tree: OpenScope, path: readonly Step[]): OpenScope {
  let scope = tree
  for (const { kind, instance } of path) {
    scope = below(scope, kind, instance) ?? openScope(scope, kind, instance, PLACE)
  }
  return scope
}

/** A list or a dictionary as the file has it; everything else is a text as it stands. */
function readSetting(name: string, value: string): Setting {
  if (!/^\s*[([]/.test(value)) {
    return { name, value: { kind: 'text', text: value, place: PLACE }, place: PLACE }
  }
  const source = { file: PLACE.file, text: `${name} = ${value}` }
  const root = parse(source, () => [])
  const setting = root.options.get(name)
  if (setting && root.options.size === 1 && root.scopes.length === 0) return setting
  throw new ConfigError(PLACE, name, 'expected one value')
}

function put(scope: OpenScope, name: string, setting: Setting | undefined): void {
  // One option may have several names.
  for (const each of rowsOf(name).flatMap(({ names }) => names)) scope.options.delete(each)
  if (setting) scope.options.set(name, setting)
}
