// Console commands that hold mail back and let it go: suspend, suspend domain|binding NAME, resume domain|binding
// NAME. Running attempts end as they do; what is held back still expires.
import type { Answer } from '../http/control.ts'
import { fromText, toText } from '../mail/bytes.ts'
import { SUSPENSION_KINDS, type Suspensions } from '../suspensions.ts'

/** Undefined: no command of these. */
export async function suspendCommand(
  suspensions: Pick<Suspensions, 'list' | 'suspend' | 'resume'>,
  [verb, word, name]: readonly string[],
): Promise<Answer | undefined> {
  if (verb !== 'suspend' && verb !== 'resume') return undefined
  if (verb === 'suspend' && word === undefined) return listed(suspensions)
  const kind = SUSPENSION_KINDS.find((each) => each === word)
  if (!kind || !name) return { isOk: false, text: `usage: ${verb} domain|binding NAME\n` }
  const isChanged = await suspensions[verb]({ kind, name: fromText(name) })
  const changed = verb === 'suspend' ? 'suspended' : 'resumed'
  const unchanged = verb === 'suspend' ? 'suspended already' : 'not suspended'
  return {
    isOk: true,
    text:
      `delivery ${kind === 'binding' ? 'by' : 'to'} ${kind} ${name} ` +
      `is ${isChanged ? changed : unchanged}\n`,
    data: { changed: isChanged },
  }
}

function listed({ list }: Pick<Suspensions, 'list'>): Answer {
  const data = list().map(({ kind, name }) => ({ kind, name: toText(name) }))
  return { isOk: true, text: data.map(({ kind, name }) => `${kind} ${name}\n`).join(''), data }
}
