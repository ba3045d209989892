// Colours, where somebody looks and has not asked for none (https://no-color.org).
import type { WriteStream } from 'node:tty'
import type { Palette } from '../testing/textreport.ts'

export function paletteFor(stream: Pick<WriteStream, 'isTTY'>): Palette {
  const isColoured = stream.isTTY && !process.env['NO_COLOR']
  const colour = (code: number) => (text: string) =>
    isColoured ? `\x1b[${code}m${text}\x1b[0m` : text
  return { good: colour(32), bad: colour(31), dim: colour(2) }
}
