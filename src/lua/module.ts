// Where `require` finds Lua files: below the configured roots, never outside them. Dots and slashes
// in a module's name separate folders, as in Momentum's scriptlet names.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type FoundModule =
  | { readonly kind: 'found'; readonly path: string; readonly source: Buffer }
  | { readonly kind: 'missing'; readonly tried: readonly string[] }
  | { readonly kind: 'refused'; readonly why: string }

/** Looks for a module's file in the roots, in their order. */
export function findModule(roots: readonly string[], name: string): FoundModule {
  if (name.includes('..') || name.startsWith('/') || name.includes('\0') || name.includes('\\')) {
    return { kind: 'refused', why: 'names with `..` and absolute names are not allowed' }
  }
  const relative = `${name.replaceAll('.', '/')}.lua`
  const tried: string[] = []
  for (const root of roots) {
    const path = join(root, relative)
    const source = readIfThere(path)
    if (source !== undefined) return { kind: 'found', path, source }
    tried.push(path)
  }
  return { kind: 'missing', tried }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined
    throw error
  }
}
