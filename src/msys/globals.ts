// Functions that stand in no module: seen in real policy, documented nowhere.
import { hostname } from 'node:os'
import { declare } from './declaration.ts'
import { string } from './parameter.ts'

const UNDOCUMENTED = 'Momentum does not document it: where nothing defines it there, it is nil'

const fn = declare<undefined>()

export const GLOBAL_FUNCTIONS = [
  fn(
    'trim',
    [string('text')],
    {
      result: 'string',
      tier: 2,
      doc: 'a text without the blanks around it',
      differs: UNDOCUMENTED,
    },
    (_, [text]) => {
      let [start, end] = [0, text.length]
      while (start < end && isBlank(text.charCodeAt(start))) start++
      while (start < end && isBlank(text.charCodeAt(end - 1))) end--
      return text.slice(start, end)
    },
  ),
  fn(
    'gethostname',
    [],
    { result: 'string', tier: 2, doc: 'the name of this machine', differs: UNDOCUMENTED },
    () => hostname(),
  ),
]

function isBlank(octet: number): boolean {
  return octet === 32 || (octet >= 9 && octet <= 13)
}
