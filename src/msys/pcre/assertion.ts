// Assertions that look at one place of the subject. The numbers are the indices of `ASSERTIONS`.
import { isWord, NEWLINE } from './charset.ts'
import type { Machine } from './machine.ts'

export function holds({ subject, from }: Machine, assertion: number, pos: number): boolean {
  const { length } = subject
  switch (assertion) {
    case 0: // start
      return pos === 0
    case 1: // line-start
      return pos === 0 || (subject.charCodeAt(pos - 1) === NEWLINE && pos < length)
    case 2: // end
      return pos === length
    case 3: // last-line-end
      return pos === length || (pos === length - 1 && subject.charCodeAt(pos) === NEWLINE)
    case 4: // line-end
      return pos === length || subject.charCodeAt(pos) === NEWLINE
    case 5: // from
      return pos === from
    default: {
      const isEdge = isWordAt(subject, pos - 1) !== isWordAt(subject, pos)
      return isEdge === (assertion === 6)
    }
  }
}

function isWordAt(subject: string, pos: number): boolean {
  return pos >= 0 && pos < subject.length && isWord(subject.charCodeAt(pos))
}
