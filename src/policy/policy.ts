// A policy: the scripts of one configuration, loaded into a Lua state of their own. Immutable once loaded;
// a reload makes another one beside it. Globals are shared by all its sessions, as in Momentum.
import { createHash } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { PasswordSource } from '../config/auth.ts'
import { NO_BINDINGS } from '../config/bindings.ts'
import { NO_LIVE } from '../config/live.ts'
import type { Budget } from '../lua/budget.ts'
import { LuaError } from '../lua/error.ts'
import { allowFiles } from '../lua/files.ts'
import { readWhole } from '../lua/module.ts'
import { type LuaState, openState } from '../lua/state.ts'
import type { HttpRequestFacts } from '../msys/httpsession.ts'
import { type Datasources, makeDatasources } from '../msys/db/datasources.ts'
import type { CidrEntry, CidrTables } from '../msys/cidr/store.ts'
import { installMsys } from '../msys/install.ts'
import type { CallSite, Sending, Subject } from '../msys/runtime.ts'
import { closedOutside } from '../outside/closed.ts'
import type { Outside } from '../outside/outside.ts'
import { makeSharedState } from '../msys/shared/embedded.ts'
import {
  authenticate,
  type AuthResult,
  type AuthSchemes,
  type Credentials,
} from './authentication.ts'
import { makeBackground } from './background.ts'
import { type Controls, runControl } from './control.ts'
import { currentCallout, type Loaded, type PolicyOptions } from './loaded.ts'
import { type Callout, collectCallouts, type Registration } from './module.ts'
import { type EndpointReply, type Endpoints, serveEndpoint } from './endpoint.ts'
import { namedLocks } from './locks.ts'
import { type CalloutName, phaseOf } from './phases.ts'
import { readScriptlets, type Scriptlet } from './scriptlet.ts'
import { watchedDatasources, watchedOutside } from './watchedoutside.ts'
import { openPolicySession, type PolicySession } from './session.ts'

export interface Policy {
  /** The paths of the loaded scripts. */
  readonly scripts: readonly string[]
  /** Differs when the text of one of them does: 12 hex digits. */
  readonly hash: string
  /** Epoch milliseconds. */
  readonly loadedMs: number
  has(callout: CalloutName): boolean
  openSession(): PolicySession
  /** Asks the script that a source of passwords names. Never fails. */
  authenticate(
    source: Extract<PasswordSource, { kind: 'policy' }>,
    credentials: Credentials,
    subject: Subject,
  ): Eventually<AuthResult>
  /** Log files have been opened anew. Never fails. */
  logsReopened(): Promise<void>
  /** Runs the console command that a script registered for these words; undefined: none did. */
  control(argv: readonly string[]): Promise<string> | undefined
  /** The words that scripts registered commands for. */
  controls(): readonly string[]
  /** What it asks and keeps: data sources, and tables of networks. */
  readonly datasources: Datasources
  readonly cidrTables: ReadonlyMap<string, CidrEntry>
  /** Lets the script answer that registered an endpoint for it; undefined: none did. Never fails. */
  serve(request: HttpRequestFacts): Promise<EndpointReply | undefined>
  /** What it sends by where there is no session: in timers, console commands and delivery hooks. */
  lend(sending: Sending): void
  /** Its timers stop: another policy takes over. Sessions go on. */
  retire(): void
  /** Runs `deinit` and drops the state. */
  close(): Promise<void>
}

/** The top level of scripts and `init` may use ten times as much as a callout. */
const LOAD_ALLOWANCE = 10

export class PolicyError extends Error {
  override readonly name = 'PolicyError'
}

/** Loads every script and runs `init`. Raises ConfigError for a missing file, else PolicyError. */
export async function loadPolicy(options: PolicyOptions): Promise<Policy> {
  const scriptlets = readScriptlets(options.scripts, options.roots)
  const host = openHost(options)
  const { state, wrap, background, datasources, registrations, authSchemes, outside, loading } =
    host
  const end = async (): Promise<void> => {
    background.stop()
    state.close()
    await datasources.close()
  }
  try {
    for (const scriptlet of scriptlets) {
      loading.script = scriptlet.path
      await runTopLevel(state, scriptlet, options.budget)
    }
    const { callouts, notices } = collectCallouts(registrations, options.meterOf)
    for (const notice of notices) options.panic('scriptlet', notice)
    const loaded: Loaded = { state, wrap, registrations, callouts, authSchemes, options }
    await runInit(loaded)
    return {
      scripts: scriptlets.map(({ path }) => path),
      hash: hashOf(scriptlets),
      loadedMs: outside.clock.nowMs(),
      has: (callout) => callouts.has(callout),
      openSession: () => openPolicySession(loaded),
      authenticate: (...request) => authenticate(loaded, ...request),
      logsReopened: () => runAll(loaded, 'core_log_reopen'),
      lend: (sending) => void (host.lent.sending = sending),
      retire: () => background.stop(),
      close: async () => {
        await runAll(loaded, 'deinit')
        await end()
      },
      control: (argv) => runControl(loaded, host.controls, argv),
      controls: () => [...host.controls.keys()],
      datasources,
      cidrTables: host.cidrTables,
      serve: (request) => serveEndpoint(loaded, host.endpoints, request),
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** A Lua state with the API in it, and what scripts register. */
function openHost(options: PolicyOptions) {
  const registrations: Registration[] = []
  const authSchemes: AuthSchemes = new Map()
  const controls: Controls = new Map()
  const endpoints: Endpoints = []
  const outside = watched(options)
  const say = speaker(options)
  const loading = { script: '' }
  const lent: { sending?: Sending } = {}
  const cidrTables: CidrTables = new Map()
  const panic = (text: string): void => options.panic('scriptlet', text)
  const state = openState({
    print: (text) => (currentCallout()?.print ?? say)(text),
    warn: panic,
    onInternalError: (error, name) => panic(`${name}: ${String(error)}`),
    roots: options.roots,
    ...options.files,
    budget: options.budget,
    now: () => outside.clock.nowMs(),
    random: () => outside.random(),
  })
  const files = allowFiles(options.files?.fileRoots ?? options.roots, options.files?.pathMap)
  const background = makeBackground(state, outside.clock, panic)
  const datasources = datasourcesOf(options, outside)
  const wrap = installMsys(state, {
    registerModule: (name, table) =>
      void registrations.push({ name, table, script: loading.script }),
    registerAuth: (scheme, handlers) => void authSchemes.set(scheme, handlers),
    registerControl: (prefix, handler) => void controls.set(prefix, handler),
    registerEndpoint: (method, path, handler) => void endpoints.push({ method, path, handler }),
    callSite: currentCallout,
    standing: () => lent.sending,
    bindings: options.bindings ?? NO_BINDINGS,
    shared: options.shared ?? makeSharedState(() => outside.clock.nowMs()),
    options: options.live ?? NO_LIVE,
    signing: options.signing,
    nowMs: () => outside.clock.nowMs(),
    outside,
    datasources,
    background,
    cidrTables,
    locks: options.locks ?? namedLocks({ nowMs: () => outside.clock.nowMs() }),
    readFile: (path) => readWhole(files, path),
    panic: say,
    onUnsupported: (name) => options.onUnsupported?.(name),
  })
  const made = { registrations, authSchemes, controls, endpoints, loading, lent }
  return { state, wrap, background, datasources, cidrTables, outside, ...made }
}

function hashOf(scriptlets: readonly Scriptlet[]): string {
  const hash = createHash('sha256')
  for (const { path, text } of scriptlets) hash.update(`${path}\0`).update(text).update('\0')
  return hash.digest('hex').slice(0, 12)
}

function datasourcesOf({ datasources = [], tracer }: PolicyOptions, outside: Outside): Datasources {
  const all = makeDatasources(datasources, outside.databases, () => outside.clock.nowMs())
  return tracer ? watchedDatasources(all, tracer, () => currentCallout()?.notes) : all
}

/** What is asked of the world goes into the trace of its callout. */
function watched({ outside = closedOutside(), tracer }: PolicyOptions): Outside {
  return tracer ? watchedOutside(outside, tracer, () => currentCallout()?.notes) : outside
}

/** A line that a script writes goes to paniclog, and into the trace of its callout. */
function speaker({ panic }: PolicyOptions): (text: string) => void {
  return (text) => {
    currentCallout()?.notes?.prints.push(text)
    panic('scriptlet', text)
  }
}

async function runTopLevel(state: LuaState, script: Scriptlet, budget: Budget): Promise<void> {
  try {
    const chunk = state.load(script.text, script.path)
    await state.call(chunk, [], { budget: stretch(budget), label: script.path })
  } catch (error) {
    throw loadFailure(error, `script "${script.name}" (${script.path})`)
  }
}

async function runInit(loaded: Loaded): Promise<void> {
  for (const callout of loaded.callouts.get('init') ?? []) {
    const result = await runOnce(loaded, 'init', callout).catch((error: unknown) => {
      throw loadFailure(error, `init of module "${callout.moduleName}"`)
    })
    if (result === 0) {
      const text = `init of module ${callout.moduleName} returned 0: taken as true, but only true is documented`
      loaded.options.panic('scriptlet', text)
    } else if (result !== true) {
      throw new PolicyError(`init of module "${callout.moduleName}" did not return true`)
    }
  }
  for (const callout of loaded.callouts.get('rsrc_setup') ?? []) {
    await runOnce(loaded, 'rsrc_setup', callout).catch((error: unknown) => {
      throw loadFailure(error, `rsrc_setup of module "${callout.moduleName}"`)
    })
  }
}

async function runAll(loaded: Loaded, name: CalloutName): Promise<void> {
  for (const callout of loaded.callouts.get(name) ?? []) {
    await runOnce(loaded, name, callout).catch((error: unknown) => {
      loaded.options.panic('scriptlet', `${name} of module ${callout.moduleName}: ${String(error)}`)
    })
  }
}

async function runOnce(
  { state, registrations, options }: Loaded,
  name: CalloutName,
  callout: Callout,
) {
  const self = registrations[callout.module]?.table
  const { stage } = phaseOf(name)
  const context: CallSite = { callout: name, stage, moduleName: callout.moduleName }
  const limits = { budget: stretch(options.budget), label: callout.moduleName, context }
  const [result] = await andThen(state.call(callout.run, [self], limits), (values) => values)
  return result
}

function stretch(budget: Budget): Budget {
  return {
    ...budget,
    cpuMs: budget.cpuMs * LOAD_ALLOWANCE,
    wallMs: budget.wallMs * LOAD_ALLOWANCE,
    // A reload that allocates without end must be killed before it takes the server along.
    allocBytes: Math.max(
      budget.allocBytes,
      Math.min(budget.allocBytes * LOAD_ALLOWANCE, getHeapStatistics().heap_size_limit / 2),
    ),
  }
}

function loadFailure(error: unknown, what: string): PolicyError {
  if (!(error instanceof LuaError)) throw error
  const place = error.script && error.line ? `${error.script}:${error.line}: ` : ''
  return new PolicyError(`${place}${what}: ${error.message}`, { cause: error })
}
