// Text for a terminal: colours where they are wanted, and nothing in it that a terminal would obey.

export type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow'
export type Paint = (colour: Colour, text: string) => string

const CODES: Readonly<Record<Colour, string>> = {
  bold: '1',
  dim: '2',
  red: '31',
  green: '32',
  yellow: '33',
}

export const plain: Paint = (_, text) => text
export const coloured: Paint = (colour, text) => `\x1b[${CODES[colour]}m${text}\x1b[0m`

/** Control characters as `\xHH`: mail may hold any. */
export function safe(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\0-\x1f\x7f-\x9f]/g, (char) =>
    char === '\t' ? ' ' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** A value, or that there is none. */
export function shown(value: string | undefined): string {
  return value === undefined ? '(none)' : shortened(`"${safe(value)}"`, 120)
}

export function shortened(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}
