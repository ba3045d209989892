// `msys.counter`: counters of the process by path. Momentum manual pages "lua.ref.msys.counter.*".
import { LuaCallError } from '../lua/error.ts'
import type { LuaValue } from '../lua/value.ts'
import { declare } from './declaration.ts'
import type { ApiObject } from './handle.ts'
import { asObject, asString, number, optional, type Parameter, string } from './parameter.ts'
import type { Runtime } from './runtime.ts'
import type { ClassShape } from './shape.ts'
import { applyOrWarn } from './shared/room.ts'

const fn = declare<undefined>()

interface Counter extends ApiObject {
  readonly kind: 'counter'
  readonly path: string
}

export const COUNTER: ClassShape<Counter> = {
  kind: 'counter',
  className: 'msys.counter:_counter',
  prefix: 'counter',
  methods: [],
  fields: [],
  text: ({ path }) => path,
}

const SEMANTICS = { STRICT: 0, RELAXED: 1 } as const

export const COUNTER_CONSTANTS = { 'msys.counter': SEMANTICS }

/** Octets of a path. */
const LONGEST_PATH = 1_024

/** The path of a counter, or of one that msys.counter.open gave. */
const COUNTER_OR_PATH: Parameter<string> = {
  name: 'counter',
  expects: 'counter or path',
  read: (value: LuaValue) => asObject<Counter>(value, 'counter')?.path ?? asString(value),
}

export const COUNTER_FUNCTIONS = [
  fn(
    'msys.counter.open',
    [string('path'), optional(number('semantics'), SEMANTICS.STRICT)],
    {
      result: 'counter',
      tier: 2,
      doc: 'a counter, which is made when there is none of that path',
      differs: 'STRICT and RELAXED count alike',
    },
    (_, [path, semantics], runtime) => {
      if (semantics !== SEMANTICS.STRICT && semantics !== SEMANTICS.RELAXED) {
        throw new LuaCallError(
          'msys.counter.open: bad argument #2 (msys.counter.STRICT or msys.counter.RELAXED expected): semantics',
        )
      }
      add('msys.counter.open', path, 0, runtime)
      return runtime.wrap({ kind: 'counter', path } satisfies Counter)
    },
  ),
  fn(
    'msys.counter.add',
    [COUNTER_OR_PATH, number('delta')],
    { result: 'nil', tier: 2, doc: 'adds; a counter that is not there is made' },
    (_, [path, delta], runtime) => {
      if (!Number.isFinite(delta)) {
        throw new LuaCallError(
          'msys.counter.add: bad argument #2 (a finite number expected): delta',
        )
      }
      add('msys.counter.add', path, delta, runtime)
    },
  ),
  fn(
    'msys.counter.inc',
    [COUNTER_OR_PATH],
    { result: 'nil', tier: 2, doc: 'adds one; a counter that is not there is made' },
    (_, [path], runtime) => add('msys.counter.inc', path, 1, runtime),
  ),
  fn(
    'msys.counter.read',
    [COUNTER_OR_PATH],
    { result: 'number', tier: 2, doc: 'its value; 0 when there is none' },
    (_, [path], { shared }) => shared.counter(path),
  ),
  fn(
    'msys.counter.reset',
    [COUNTER_OR_PATH],
    { result: 'nil', tier: 2, doc: 'sets it to 0; a counter that is not there is made' },
    (_, [path], runtime) => {
      assertPath('msys.counter.reset', path)
      applyOrWarn(runtime, { kind: 'counter reset', path, atMs: runtime.nowMs() })
    },
  ),
  fn(
    'msys.counter.unlink',
    [string('path')],
    {
      result: 'nil',
      tier: 2,
      doc: 'removes it',
      differs: 'one that is open is made anew when it is counted again',
    },
    (_, [path], { shared }) => void shared.apply({ kind: 'counter unlink', path }),
  ),
]

function add(name: string, path: string, delta: number, runtime: Runtime): void {
  assertPath(name, path)
  applyOrWarn(runtime, { kind: 'counter add', path, delta })
}

function assertPath(name: string, path: string): void {
  if (path.length <= LONGEST_PATH) return
  throw new LuaCallError(`${name}: a path has at most ${LONGEST_PATH} octets`)
}
