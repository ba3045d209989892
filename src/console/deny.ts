// Console commands that recall links: deny; deny|allow message|campaign|customer NAME.
import { DENIAL_KINDS, type Denials } from '../sharing/denials.ts'
import type { Answer } from '../http/control.ts'

/** Undefined: no command of these. */
export async function denyCommand(
  denials: Pick<Denials, 'list' | 'say'>,
  [verb, word, name]: readonly string[],
): Promise<Answer | undefined> {
  if (verb !== 'deny' && verb !== 'allow') return undefined
  if (verb === 'deny' && word === undefined) return listed(denials)
  const kind = DENIAL_KINDS.find((each) => each === word)
  if (!kind || !name) {
    return { isOk: false, text: `usage: ${verb} message|campaign|customer NAME\n` }
  }
  const { isNew, untold } = await denials.say(kind, name, verb === 'deny')
  const state = verb === 'deny' ? 'lead nowhere' : 'lead to their targets'
  const later = untold.map((each) => `told later: ${each}\n`)
  return {
    isOk: true,
    text: `links of ${kind} ${name} ${state}${isNew ? '' : ' already'}\n${later.join('')}`,
    data: { changed: isNew, untold },
  }
}

function listed({ list }: Pick<Denials, 'list'>): Answer {
  const data = list().map(({ kind, name, atMs }) => ({
    kind,
    name,
    since: new Date(atMs).toISOString(),
  }))
  const lines = data.map(({ kind, name, since }) => `${kind} ${name} (since ${since})\n`)
  return { isOk: true, text: lines.join(''), data }
}
