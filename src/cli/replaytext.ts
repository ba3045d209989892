// A difference for people: what it is about, and the lines that differ with two around them.
import { diffArrays } from 'diff'
import type { Difference } from '../recording/difference.ts'
import type { Palette } from '../testing/textreport.ts'

const AROUND = 2

export function differenceText(
  {
    phase,
    about,
    recorded,
    played,
  }: Pick<Difference, 'about' | 'recorded' | 'played'> & { readonly phase: string },
  palette: Palette,
): string {
  const lines = changedLines(recorded, played, palette)
  return [`  ${phase}${about && `  ${about}`}`, ...lines.map((line) => `    ${line}`)]
    .map((line) => `${line}\n`)
    .join('')
}

/** `-` before, `+` after. Nothing there at all is said. */
function changedLines(
  before: readonly string[],
  after: readonly string[],
  palette: Palette,
): string[] {
  if (before.length === 0)
    return [
      palette.good('+ (was not there)'),
      ...after.slice(0, 3).map((line) => palette.good(`+ ${line}`)),
    ]
  if (after.length === 0)
    return [
      palette.bad('- (is not there)'),
      ...before.slice(0, 3).map((line) => palette.bad(`- ${line}`)),
    ]
  const changes = diffArrays([...before], [...after])
  return changes.flatMap(({ value, added, removed }, i) => {
    if (added) return value.map((line) => palette.good(`+ ${line}`))
    if (removed) return value.map((line) => palette.bad(`- ${line}`))
    const head = i === 0 ? [] : value.slice(0, AROUND)
    const tail =
      i === changes.length - 1 ? [] : value.slice(Math.max(head.length, value.length - AROUND))
    const isCut = head.length + tail.length < value.length && i > 0 && i < changes.length - 1
    return [...head, ...(isCut ? ['…'] : []), ...tail].map((line) => palette.dim(`  ${line}`))
  })
}
