// Timers of policy (Momentum: "lua.ref.msys.timer.after" and the pages beside it). They end with the policy.
import { LuaCallError } from '../lua/error.ts'
import type { LuaFunction } from '../lua/value.ts'
import { declare } from './declaration.ts'
import type { ApiObject } from './handle.ts'
import { func, number, optional, string } from './parameter.ts'
import type { Background, Runtime } from './runtime.ts'
import type { ClassShape } from './shape.ts'

interface Timer extends ApiObject {
  readonly kind: 'timer'
  readonly name: string
  readonly background: Background
  /** How long until it is due, from now. */
  readonly delayMs: () => number
  readonly run: LuaFunction
  readonly isRepeated: boolean
  cancel: (() => void) | undefined
}

const fn = declare<undefined>()
const method = declare<Timer>()

const KEPT = 'a timer that nobody refers to fires all the same'

export const TIMER_FUNCTIONS = [
  fn(
    'msys.timer.after',
    [number('seconds'), func('run'), optional(string('name'), '')],
    { result: 'timer', tier: 2, doc: 'runs a function once, so much later', differs: KEPT },
    (_, [seconds, run, name], runtime) =>
      begin(runtime, { run, name, delayMs: () => seconds * 1000, isRepeated: false }),
  ),
  fn(
    'msys.timer.at',
    [number('time'), func('run'), optional(string('name'), '')],
    { result: 'timer', tier: 2, doc: 'runs a function once, at a time since 1970', differs: KEPT },
    (_, [seconds, run, name], runtime) => {
      const { clock } = runtime.outside
      const delayMs = (): number => seconds * 1000 - clock.nowMs()
      return begin(runtime, { run, name, delayMs, isRepeated: false })
    },
  ),
  fn(
    'msys.timer.every',
    [number('seconds'), func('run'), optional(string('name'), '')],
    {
      result: 'timer',
      tier: 2,
      doc: 'runs a function again and again; the next time is counted from the end of the last',
      differs: KEPT,
    },
    (_, [seconds, run, name], runtime) => {
      if (seconds > 0)
        return begin(runtime, { run, name, delayMs: () => seconds * 1000, isRepeated: true })
      throw new LuaCallError('msys.timer.every: bad argument #1 (not above 0): seconds')
    },
  ),
]

export const TIMER: ClassShape<Timer> = {
  kind: 'timer',
  className: 'msys.timer:timer',
  prefix: 'timer',
  methods: [
    method('timer:stop', [], { result: 'nil', tier: 2, doc: 'it does not fire any more' }, stop),
    method('timer:start', [], { result: 'nil', tier: 2, doc: 'begins again' }, start),
    method(
      'timer:name',
      [],
      { result: 'string', tier: 2, doc: 'what it was named' },
      ({ name }) => name,
    ),
  ],
  fields: [],
  text: ({ name }) => name,
}

type About = Pick<Timer, 'name' | 'run' | 'delayMs' | 'isRepeated'>

function begin({ background, wrap }: Runtime, about: About) {
  const timer: Timer = { kind: 'timer', ...about, background, cancel: undefined }
  start(timer)
  return wrap(timer)
}

function stop(timer: Timer): void {
  timer.cancel?.()
  timer.cancel = undefined
}

function start(timer: Timer): void {
  stop(timer)
  const { background, name, run, isRepeated } = timer
  const label = name === '' ? 'msys.timer' : `msys.timer ${name}`
  const cancel = background.after(Math.max(0, timer.delayMs()), () => {
    void background.run(label, run).then(() => {
      // Unless it was stopped or started anew meanwhile.
      if (isRepeated && timer.cancel === cancel) start(timer)
    })
  })
  timer.cancel = cancel
}
