// What one change to Fengari's source is, and how it is applied. A patch names the file, the exact
// text it changes (as short as uniqueness allows) and how often that text occurs; anything else is
// an error that names the patch, so that another Fengari version cannot be patched half.

export interface Patch {
  readonly name: string
  readonly file: string
  readonly why: string
  readonly find: string | RegExp
  readonly replace: string
  /** How often `find` must match: once unless stated. */
  readonly count?: number
  /** The header of the one function (up to its closing line) to which the patch is confined. */
  readonly within?: string
}

export class PatchError extends Error {
  override name = 'PatchError'
}

/** The source with one patch applied; throws PatchError when the text is not there exactly as stated. */
export function applyPatch(source: string, patch: Patch): string {
  if (patch.within === undefined) return replaceCounted(source, patch)
  const start = source.indexOf(patch.within)
  const end = source.indexOf('\n};', start)
  if (start < 0 || end < 0) {
    throw new PatchError(`patch '${patch.name}': ${patch.file} has no '${patch.within}'`)
  }
  const inner = replaceCounted(source.slice(start, end), patch)
  return source.slice(0, start) + inner + source.slice(end)
}

/**
 * A patch that puts `source` in the place of a whole function or class; the original stays under
 * another name, unused, so that its text needs no matching.
 */
export function supersede(
  file: string,
  kind: 'const' | 'class',
  target: string,
  why: string,
  source: string,
): Patch {
  const find = kind === 'const' ? `const ${target} = function` : `class ${target} {`
  const renamed = kind === 'const' ? `const stock_${target} = function` : `class Stock${target} {`
  return { name: `new ${target}`, file, why, find, replace: `${source.trim()}\n\n${renamed}` }
}

function replaceCounted(source: string, patch: Patch): string {
  const expected = patch.count ?? 1
  const { find } = patch
  const found = typeof find === 'string' ? source.split(find).length - 1 : countOf(source, find)
  if (found !== expected) {
    throw new PatchError(
      `patch '${patch.name}': found ${found} times in ${patch.file}, expected ${expected}`,
    )
  }
  if (typeof find === 'string') return source.split(find).join(patch.replace)
  return source.replace(find, patch.replace)
}

function countOf(source: string, pattern: RegExp): number {
  if (!pattern.global) throw new PatchError(`pattern ${pattern} must be global`)
  return [...source.matchAll(pattern)].length
}
