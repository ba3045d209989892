// Console commands about what policy counts and keeps: counter, inbound_audit, ds_core, cidrdb, and config get,
// eval, set and unset. Names and tables are Momentum's ("console_commands.counter", "modules.inbound_audit",
// "modules.ds_core", "modules.cidrdb", "console_commands.config").
import { numberOf, refusal, said, table, usage } from './answers.ts'
import { AUDIT_HELP, auditCommand } from './audit.ts'
import type { Answer } from '../http/control.ts'
import { fromText, toText } from '../mail/bytes.ts'
import { monitorName } from '../msys/monitors.ts'
import type { Change, SharedState } from '../msys/shared/state.ts'
import type { Server } from '../server.ts'

type Asked = Pick<Server, 'config' | 'policy' | 'sharing'>

const COUNTER = 'counter list; counter add NAME N; counter increment|reset|unlink NAME'
const SOURCES = 'ds_core stats; ds_core flush NAME'
const TABLES = 'cidrdb list; cidrdb reload NAME'
const CONFIG =
  'config get|eval|unset [SCOPE [NAME] ...] OPTION; config set [SCOPE [NAME] ...] OPTION VALUE'

export const STATE_HELP = [COUNTER, ...AUDIT_HELP, SOURCES, TABLES, CONFIG]

/** Whether one worker can answer for all: they share what it is about. */
export function isShared([first]: readonly string[]): boolean {
  return first === 'counter' || first === 'inbound_audit'
}

/** Undefined: no command of these. */
export async function stateCommand(
  { config, policy, sharing: { state } }: Asked,
  argv: readonly string[],
  nowMs: number,
): Promise<Answer | undefined> {
  const [first = '', ...rest] = argv
  switch (first) {
    case 'counter':
      return counterCommand(state, rest, nowMs)
    case 'inbound_audit':
      return auditCommand(state, config.inboundAudit.monitors.map(monitorName), rest, nowMs)
    case 'ds_core':
      return sourceCommand(policy().datasources, rest)
    case 'cidrdb':
      return tableCommand(policy().cidrTables, rest)
    case 'config':
      return rest[0] === 'reload' ? undefined : configCommand(config.live, rest)
    default:
      return undefined
  }
}

function counterCommand(
  state: SharedState,
  [verb = '', name, delta]: readonly string[],
  atMs: number,
): Answer {
  if (verb === 'list') return counterList(state)
  const path = name && fromText(name)
  const change = path && counterChange(verb, path, delta, atMs)
  if (!change) return usage(COUNTER)
  if (!state.apply(change)) return refusal('there are too many counters')
  const value = state.counter(path)
  return said(`${name} = ${value}`, { counter: name, value })
}

function counterChange(
  verb: string,
  path: string,
  text: string | undefined,
  atMs: number,
): Change | undefined {
  const delta = numberOf(text)
  switch (verb) {
    case 'add':
      return delta === undefined ? undefined : { kind: 'counter add', path, delta }
    case 'increment':
      return { kind: 'counter add', path, delta: 1 }
    case 'reset':
      return { kind: 'counter reset', path, atMs }
    case 'unlink':
      return { kind: 'counter unlink', path }
    default:
      return undefined
  }
}

function counterList(state: SharedState): Answer {
  const rows = [...state.counters()]
    .map(({ path, value, resetMs }) => ({ counter: toText(path), value, reset: timeOf(resetMs) }))
    .sort((a, b) => (a.counter < b.counter ? -1 : 1))
  return table(
    ['VALUE', 'RESET_TIME', 'SEMANTICS', 'COUNTER'],
    rows.map(({ counter, value, reset }) => [String(value), reset, 'relaxed', counter]),
    rows,
    `${rows.length} counters listed.`,
  )
}

function sourceCommand(
  sources: ReturnType<Server['policy']>['datasources'],
  [verb, name = '']: readonly string[],
): Answer {
  if (verb === 'flush') {
    const source = sources.named(name)
    if (!source) return refusal(`there is no datasource "${name}"`)
    const count = source.cache.flush()
    return said(`flushed ${count} entries from cache '${name}'`, { flushed: count })
  }
  if (verb !== 'stats') return usage(SOURCES)
  const rows = sources.names.flatMap((each) => {
    const source = sources.named(each)
    return source ? [{ name: each, ...source.cache.counts() }] : []
  })
  return table(
    ['CACHE', 'ELTS', 'HIT', 'MISS', 'INSERTS', 'MAN', 'TTL', 'LRU'],
    rows.map((row) => Object.values(row).map(String)),
    rows,
  )
}

async function tableCommand(
  tables: ReturnType<Server['policy']>['cidrTables'],
  [verb, name = '']: readonly string[],
): Promise<Answer> {
  if (verb === 'reload') {
    const entry = tables.get(fromText(name))
    if (!entry) return refusal(`there is no table "${name}"`)
    await entry.reload()
    return said(`${name} reloaded`, { name })
  }
  if (verb !== 'list') return usage(TABLES)
  const rows = [...tables].map(([each, entry]) => {
    const refreshMs = entry.refreshesInMs()
    return {
      name: toText(each),
      refresh_seconds: refreshMs === undefined ? null : Math.ceil(refreshMs / 1000),
    }
  })
  const lines = rows.map(({ name: each, refresh_seconds: seconds }) =>
    seconds === null ? each : `${each} [refresh in ${seconds} seconds]`,
  )
  return said(lines.join('\n'), rows)
}

function configCommand(
  live: Server['config']['live'],
  [verb, ...words]: readonly string[],
): Answer {
  const path = words.filter((word) => word !== '=').map(fromText)
  if (path.length === 0) return usage(CONFIG)
  switch (verb) {
    case 'get':
    case 'eval': {
      const found = live.lookUp(path, verb)
      const text = toText(found.kind === 'found' ? `${path.at(-1)} = ${found.text}` : found.text)
      return {
        isOk: found.kind !== 'wrong',
        text: `${text}\n`,
        data: { [words.at(-1) ?? '']: found.kind === 'found' ? toText(found.text) : null },
      }
    }
    case 'set':
    case 'unset': {
      const value = verb === 'set' ? path.at(-1) : undefined
      const changed = live.change(verb === 'set' ? path.slice(0, -1) : path, value)
      const isOk = changed.kind === 'changed'
      return { isOk, text: `${toText(changed.text)}\n`, data: { changed: isOk } }
    }
    default:
      return usage(CONFIG)
  }
}

/** As Momentum's: `2010-12-02@07:20:58`, in UTC. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', '@')
}
