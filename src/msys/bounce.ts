// What a reply means (Momentum manual page "lua.ref.msys.bounce.classify_smtp_response").
import { bounceClass, describeClass } from '../mail/bounceclass.ts'
import { declare } from './declaration.ts'
import { optional, string } from './parameter.ts'
import { multiple } from '../lua/value.ts'

const fn = declare<undefined>()

export const BOUNCE_FUNCTIONS = [
  fn(
    'msys.bounce.classify_smtp_response',
    [string('text'), optional(string('domain'))],
    {
      result: 'number, string, string',
      tier: 2,
      doc: 'the bounce class of a reply: its code, its name, what it says',
      differs: 'the same for every domain',
    },
    (_, [text]) => {
      const code = bounceClass(text)
      const { name, meaning } = describeClass(code)
      return multiple(code, name, meaning)
    },
  ),
]
