// A difference for people: what it is about, and the lines that differ with two around them.
import type { Difference } from '../recording/difference.ts'
import { differenceOf } from '../rehearsal/difference.ts'
import { safe } from '../rehearsal/paint.ts'
import type { Palette } from '../testing/textreport.ts'

export function differenceText(
  {
    phase,
    about,
    recorded,
    played,
  }: Pick<Difference, 'about' | 'recorded' | 'played'> & { readonly phase: string },
  palette: Palette,
): string {
  const lines = changedLines(recorded.map(safe), played.map(safe), palette)
  return [`  ${phase}${about && `  ${safe(about)}`}`, ...lines.map((line) => `    ${line}`)]
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
  const difference = differenceOf(`${before.join('\n')}\n`, `${after.join('\n')}\n`)
  if (difference === 'too different') return ['(too different to be shown)']
  return difference.flatMap(({ lines }, i) => [
    ...(i > 0 ? ['…'] : []),
    ...lines.map((line) => {
      const text = `${line.slice(0, 1)} ${line.slice(1)}`
      if (line.startsWith('+')) return palette.good(text)
      return line.startsWith('-') ? palette.bad(text) : palette.dim(text)
    }),
  ])
}
