// `msys.log`, the time, and whether waiting is possible.
import { declare } from './declaration.ts'
import { number, string } from './parameter.ts'

const fn = declare<undefined>()

export const LOG_FUNCTIONS = [
  fn(
    'msys.log',
    [number('level'), string('text')],
    {
      result: 'nil',
      tier: 1,
      doc: 'writes a line to paniclog',
      differs: 'the level is not looked at: every line is written',
    },
    (_, [, text], { panic }) => panic(text),
  ),
  fn(
    'msys.core.get_now_ts',
    [],
    { result: 'number', tier: 1, doc: 'seconds since 1970' },
    (_, __, { nowMs }) => Math.floor(nowMs() / 1000),
  ),
  fn(
    'msys.asyncOk',
    [],
    { result: 'boolean', tier: 2, doc: 'whether this is a callout, which may wait' },
    (_, __, { callSite }) => callSite() !== undefined,
  ),
]
