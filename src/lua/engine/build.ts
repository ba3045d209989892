// Builds the Lua engine: Fengari's sources from node_modules, patched, into build/engine. Run as a
// program by `npm run build`; imported by the tests, and at start where a build is stale. A hash of
// Fengari's version and of every patch marks the result, so an unchanged build is left alone.

import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { applyPatch, PatchError, type Patch } from './patch.ts'
import { CALLS } from './patches/calls.ts'
import { ERRORS } from './patches/errors.ts'
import { HOST_FILE, HOST_SOURCE } from './patches/host.ts'
import { KILL } from './patches/kill.ts'
import { LEXER } from './patches/lexer.ts'
import { LIBRARY } from './patches/library.ts'
import { NUMBERS } from './patches/numbers.ts'
import { OPERATORS } from './patches/operators.ts'
import { PARSER } from './patches/parser.ts'
import { STEPS } from './patches/steps.ts'
import { STRINGS } from './patches/strings.ts'
import { TABLES } from './patches/tables.ts'
import { DROPPED_FILES, TRIM } from './patches/trim.ts'

/** All patches, in the order in which they are applied. */
export const PATCHES: readonly Patch[] = [
  ...TRIM,
  ...KILL,
  ...STRINGS,
  ...TABLES,
  ...NUMBERS,
  ...OPERATORS,
  ...LEXER,
  ...PARSER,
  ...ERRORS,
  ...LIBRARY,
  ...STEPS,
  ...CALLS,
]

const FENGARI_VERSION = '0.1.5'
const HASH_FILE = 'hash'

/** Fengari's files with `patches` applied, by name. Throws PatchError where one does not fit. */
export function patchedSources(
  stock: ReadonlyMap<string, string>,
  patches: readonly Patch[] = PATCHES,
): Map<string, string> {
  const sources = new Map([...stock].filter(([name]) => !DROPPED_FILES.includes(name)))
  for (const patch of patches) {
    const source = sources.get(patch.file)
    if (source === undefined) throw new PatchError(`patch '${patch.name}': no file ${patch.file}`)
    sources.set(patch.file, applyPatch(source, patch))
  }
  sources.set(HOST_FILE, HOST_SOURCE)
  return sources
}

/** Fengari's own sources, from node_modules. */
export function stockSources(): Map<string, string> {
  const folder = join(fengariFolder(), 'src')
  const names = readdirSync(folder).filter((name) => name.endsWith('.js'))
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

/** Makes build/engine unless it is there already with the same hash; says whether it did. */
export function buildEngine(target = join(packageFolder(), 'build', 'engine')): boolean {
  const hash = patchHash()
  const hashFile = join(target, HASH_FILE)
  if (existsSync(hashFile) && readFileSync(hashFile, 'utf8') === hash) return false
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- npm's own file
  const { version } = JSON.parse(readFileSync(join(fengariFolder(), 'package.json'), 'utf8')) as {
    version: string
  }
  if (version !== FENGARI_VERSION) {
    throw new PatchError(`the patches are for fengari ${FENGARI_VERSION}, found ${version}`)
  }
  const sources = patchedSources(stockSources())
  mkdirSync(dirname(target), { recursive: true })
  // Written aside and renamed, so that nobody sees half an engine.
  const draft = mkdtempSync(`${target}-`)
  for (const [name, source] of sources) writeFileSync(join(draft, name), source)
  writeFileSync(join(draft, 'package.json'), '{"type":"commonjs"}\n')
  writeFileSync(join(draft, 'LICENSE'), readFileSync(join(fengariFolder(), 'LICENSE')))
  writeFileSync(join(draft, HASH_FILE), hash)
  // What root has installed, others run.
  chmodSync(draft, 0o755)
  rmSync(target, { recursive: true, force: true })
  renameSync(draft, target)
  return true
}

function patchHash(): string {
  const text = JSON.stringify([FENGARI_VERSION, HOST_SOURCE, DROPPED_FILES, PATCHES], (_, value) =>
    value instanceof RegExp ? String(value) : (value as unknown),
  )
  return createHash('sha256').update(text).digest('hex')
}

function fengariFolder(): string {
  return dirname(dirname(createRequire(import.meta.url).resolve('fengari')))
}

// src/lua/engine/ and build/lua/engine/ lie equally deep.
function packageFolder(): string {
  return fileURLToPath(new URL('../../..', import.meta.url))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildEngine()
