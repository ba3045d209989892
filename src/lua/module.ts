// Where `require` finds Lua files: the templates of package.path, below the configured roots, never
// outside them. Dots and slashes in a module's name separate folders, as in Momentum's scriptlet names.

import { closeSync, fstatSync, readFileSync } from 'node:fs'
import { longestString } from './budget.ts'
import { failed, type Failure, type Files } from './files.ts'

export type FoundModule =
  | { readonly kind: 'found'; readonly path: string; readonly source: Buffer }
  | { readonly kind: 'missing'; readonly tried: readonly string[] }
  | { readonly kind: 'refused'; readonly why: string }

/** Looks for a module's file in the places of `path` ("/a/?.lua;/b/?.lua"), in their order. */
export function findModule(files: Files, path: string, name: string): FoundModule {
  if (name.includes('..') || name.includes('\0') || name.includes('\\')) {
    return { kind: 'refused', why: 'names with `..` are not allowed' }
  }
  const tried: string[] = []
  for (const place of placesOf(path, name)) {
    const file = readWhole(files, place)
    if (file.kind === 'read') return { kind: 'found', path: place, source: file.source }
    tried.push(file.number === NOT_THERE ? `'${place}'` : `'${place}': ${file.text}`)
  }
  return { kind: 'missing', tried }
}

/** The octets of a file of code; as long as a string may be. */
export function readWhole(
  files: Files,
  path: string,
): { readonly kind: 'read'; readonly source: Buffer } | Failure {
  const opened = files.open(path)
  if (opened.kind === 'failed') return opened
  try {
    if (fstatSync(opened.fd).size > longestString()) return failed('EFBIG')
    return { kind: 'read', source: readFileSync(opened.fd) }
  } finally {
    closeSync(opened.fd)
  }
}

const NOT_THERE = 2

// As in Momentum, an absolute name is a file itself.
function placesOf(path: string, name: string): string[] {
  if (name.startsWith('/')) return [name]
  const templates = path.split(';').filter((template) => template !== '')
  return templates.map((template) => template.replaceAll('?', () => name.replaceAll('.', '/')))
}
