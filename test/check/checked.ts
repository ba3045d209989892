// Checks scripts given as texts: `HERE` in a comment marks the lines where a finding is expected.
import { type Checked, checkScripts } from '../../src/check/check.ts'

export function checkTexts(
  scripts: Readonly<Record<string, string>>,
  modules: Readonly<Record<string, string>> = {},
): Checked {
  const sources = Object.entries(scripts).map(([name, text]) => ({
    file: `${name}.lua`,
    source: Buffer.from(text),
  }))
  return checkScripts(sources, (name) => {
    const text = modules[name]
    if (text === undefined) return { kind: 'missing', tried: [`'${name}.lua'`] }
    return { kind: 'found', file: `${name}.lua`, source: Buffer.from(text) }
  })
}

/** The lines of a text that are marked. */
export function markedLines(text: string): number[] {
  return text.split('\n').flatMap((line, index) => (line.includes('-- HERE') ? [index + 1] : []))
}
