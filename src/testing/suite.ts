// Tests as they are written down: groups within groups, each with what runs before and after its tests.
import type { LuaFunction } from '../lua/value.ts'

export interface Group {
  /** `''` for a file. */
  readonly name: string
  readonly parent: Group | undefined
  readonly before: LuaFunction[]
  readonly after: LuaFunction[]
  readonly isSkipped: boolean
}

export interface Test {
  /** Names of the groups that it is in, and its own. */
  readonly path: readonly string[]
  readonly group: Group
  /** Undefined for one that is still to be written. */
  readonly run: LuaFunction | undefined
  /** Where it stands; undefined where that is not known. */
  readonly line: number | undefined
  readonly isSkipped: boolean
  /** Where there is such a one, no other runs. */
  readonly isOnly: boolean
}

export type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'skipped'; readonly isPending: boolean }
  | {
      readonly kind: 'failed'
      /** The file as a whole could not be run. */
      readonly isBroken: boolean
      /** Where it failed. */
      readonly file: string | undefined
      readonly line: number | undefined
      /** `file:line` of the calls that led there, the innermost first. */
      readonly callers: readonly string[]
      /** Several lines, the place not among them. Byte string. */
      readonly text: string
    }

export interface TestResult {
  readonly path: readonly string[]
  readonly line: number | undefined
  readonly outcome: Outcome
  readonly tookMs: number
  /** What the test printed. */
  readonly printed: readonly string[]
}

export interface FileResult {
  /** As it was given. */
  readonly file: string
  readonly tests: readonly TestResult[]
  readonly tookMs: number
}

export function openGroup(name: string, parent: Group | undefined, isSkipped: boolean): Group {
  return {
    name,
    parent,
    before: [],
    after: [],
    isSkipped: isSkipped || (parent?.isSkipped ?? false),
  }
}

/** The outermost first. */
export function groupsOf(group: Group): Group[] {
  return group.parent ? [...groupsOf(group.parent), group] : [group]
}

export function namesOf(group: Group): string[] {
  return groupsOf(group).flatMap(({ name }) => (name === '' ? [] : [name]))
}

/** Which of the tests run; a filter is a part of `group › name`, whatever its case. */
export function chosen(tests: readonly Test[], filter: string | undefined): readonly Test[] {
  const wanted = filter?.toLowerCase()
  const found =
    wanted === undefined
      ? tests
      : tests.filter(({ path }) => title(path).toLowerCase().includes(wanted))
  const only = found.filter(({ isOnly }) => isOnly)
  return only.length > 0 ? only : found
}

export function title(path: readonly string[]): string {
  return path.join(' › ')
}

export function countOf(files: readonly FileResult[], kind: Outcome['kind']): number {
  return files.flatMap(({ tests }) => tests).filter(({ outcome }) => outcome.kind === kind).length
}
