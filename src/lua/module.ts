// Where `require` finds Lua files: the templates of package.path, below the configured roots, never
// outside them. Dots and slashes in a module's name separate folders, as in Momentum's scriptlet names.

import { closeSync, readFileSync } from 'node:fs'
import type { Files } from './files.ts'

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
    const opened = files.open(place)
    if (opened.kind === 'opened') {
      try {
        return { kind: 'found', path: place, source: readFileSync(opened.fd) }
      } finally {
        closeSync(opened.fd)
      }
    }
    tried.push(opened.number === NOT_THERE ? `'${place}'` : `'${place}': ${opened.text}`)
  }
  return { kind: 'missing', tried }
}

const NOT_THERE = 2

// As in Momentum, an absolute name is a file itself.
function placesOf(path: string, name: string): string[] {
  if (name.startsWith('/')) return [name]
  const templates = path.split(';').filter((template) => template !== '')
  return templates.map((template) => template.replaceAll('?', () => name.replaceAll('.', '/')))
}
