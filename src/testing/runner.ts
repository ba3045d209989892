// Runs one file of tests. Each file has a Lua state of its own, sandboxed like policy's: `require` and `io`
// begin in its folder. Tests run one after the other in their order; each session loads its policy anew.
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LuaError } from '../lua/error.ts'
import { type LuaState, openState } from '../lua/state.ts'
import type { LuaFunction } from '../lua/value.ts'
import { openApi, SUGAR } from './api.ts'
import { NO_FAKES } from './fakes.ts'
import { end, type Place } from './played.ts'
import {
  chosen,
  type FileResult,
  groupsOf,
  type Outcome,
  type Test,
  type TestResult,
} from './suite.ts'

export interface RunOptions {
  /** Folders in which scripts are found without being configured. */
  readonly searchPath: readonly string[]
  /** The text of lua/testing.lua. */
  readonly sugar: Buffer
  /** A part of `group › name`. */
  readonly filter?: string | undefined
  /** Milliseconds of a clock that never steps. */
  readonly clock: () => number
  /** A test may wait and compute this long, its sessions included. */
  readonly timeoutMs: number
  onTest?(file: string, result: TestResult): void
}

const MB = 1024 * 1024

/** `source`: its text, where it is no file. */
export async function runFile(
  file: string,
  options: RunOptions,
  source: Buffer = readFileSync(file),
): Promise<FileResult> {
  const startedMs = options.clock()
  const folder = resolve(dirname(file))
  const place: Place = {
    folder,
    searchPath: options.searchPath,
    played: new Set(),
    fakes: NO_FAKES,
  }
  const printed: string[] = []
  const state = openState({
    print: (text) => void printed.push(text),
    warn: (text) => void printed.push(text),
    roots: [folder],
    budget: {
      cpuMs: options.timeoutMs,
      wallMs: options.timeoutMs,
      allocBytes: 1024 * MB,
      maxStringBytes: 256 * MB,
    },
  })
  const results: TestResult[] = []
  const report = (test: Pick<Test, 'path' | 'line'>, outcome: Outcome, tookMs: number): void => {
    const { path, line } = test
    const result = { path, line, outcome, tookMs, printed: printed.splice(0) }
    results.push(result)
    options.onTest?.(file, result)
  }
  let tests: readonly Test[] = []
  const loading = await attempt(async () => {
    const api = await openApi(state, place, options.sugar)
    await state.call(state.load(source, file), [])
    tests = api.finish()
  })
  if (loading.kind === 'failed') {
    report({ path: ['(the file)'], line: loading.line }, { ...loading, isBroken: true }, 0)
  }
  // What the file says outside of its tests holds for all of them.
  const { fakes } = place
  for (const test of chosen(tests, options.filter)) {
    place.fakes = fakes
    const beganMs = options.clock()
    const outcome = await runTest(state, place, test)
    report(test, outcome, options.clock() - beganMs)
  }
  await Promise.all([...place.played].map(end))
  state.close()
  return { file, tests: results, tookMs: options.clock() - startedMs }
}

async function runTest(state: LuaState, place: Place, test: Test): Promise<Outcome> {
  const { run, group } = test
  if (!run) return { kind: 'skipped', isPending: true }
  if (test.isSkipped || group.isSkipped) return { kind: 'skipped', isPending: false }
  const groups = groupsOf(group)
  const call = async (fn: LuaFunction): Promise<void> => {
    await state.call(fn, [], { label: test.path.at(-1) ?? '' })
  }
  const outcome = await attempt(async () => {
    for (const { before } of groups) for (const fn of before) await call(fn)
    await call(run)
  })
  // Also after a failure: what a test leaves behind must not meet the next one.
  const after = await attempt(async () => {
    for (const { after: hooks } of groups.toReversed()) for (const fn of hooks) await call(fn)
  })
  await Promise.all([...place.played].map(end))
  return outcome.kind === 'failed' ? outcome : after
}

type Attempt = Extract<Outcome, { kind: 'passed' | 'failed' }>

async function attempt(work: () => Promise<void>): Promise<Attempt> {
  try {
    await work()
    return { kind: 'passed' }
  } catch (error) {
    if (!(error instanceof LuaError)) throw error
    const { message, script, line } = error
    const position = script !== undefined && line !== undefined ? `${script}:${line}: ` : ''
    const text = message.startsWith(position) ? message.slice(position.length) : message
    return { kind: 'failed', isBroken: false, file: script, line, text, callers: callersOf(error) }
  }
}

/** `file:line` of the calls that led there, the innermost first. */
function callersOf({ traceback = '', script, line }: LuaError): string[] {
  const places = [...traceback.matchAll(/^\s+([^:\n]+):(\d+): in /gm)]
    .filter(([, file]) => file !== SUGAR)
    .map(([, file, at]) => `${file}:${at}`)
  return places.filter((place) => place !== `${script}:${line}`)
}
