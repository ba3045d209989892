// Single functions of `msys`: the log, the time, addresses, names of numbers.
import { parseAddresses } from '../mime/addresslist.ts'
import { addressComponent } from './addresscomponent.ts'
import { CORE_CONSTANTS } from './constants.ts'
import { declare } from './declaration.ts'
import { number, string } from './parameter.ts'

const fn = declare<undefined>()

export const GENERAL_FUNCTIONS = [
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
  fn(
    'msys.parseRFC2822Addresses',
    [string('text'), addressComponent],
    {
      result: 'string[]',
      tier: 1,
      doc: 'the addresses in the value of a header field, or one component of each',
    },
    (_, [text, component]) => parseAddresses(text).map(({ address }) => component(address)),
  ),
  fn(
    'msys.core.protocol_string',
    [number('protocol')],
    { result: 'string', tier: 2, doc: 'the name of a P_ constant, such as ESMTP' },
    (_, [protocol]) => PROTOCOLS.get(protocol) ?? 'UNKNOWN',
  ),
]

const PROTOCOLS = new Map(
  Object.entries(CORE_CONSTANTS)
    .filter(([name]) => name.startsWith('P_'))
    .map(([name, value]) => [value, name.slice(2)]),
)
