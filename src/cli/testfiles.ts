// Which files are tests: those that are named, and in folders those whose names say so.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const NAMED = /(?:[_.](?:test|spec)|^test_.*)\.lua$/

/** By the name of the file. */
export function isTestFile(name: string): boolean {
  return NAMED.test(name)
}

/** `-` stays: it is standard input. In the order of the paths, by name below a folder. */
export function findTests(paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    path === '-' || !statSync(path).isDirectory() ? [path] : testsIn(path),
  )
}

function testsIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return SKIPPED.test(entry.name) ? [] : testsIn(path)
    return isTestFile(entry.name) ? [path] : []
  })
}

const SKIPPED = /^(?:\.|node_modules$)/
