// Running the callouts of one phase for one session. The verdict of a phase is data on `vctx`; what this
// returns only says whether the phase could be run. Momentum manual pages
// "implementing.policy.scriptlets" (results, `self`) and "lua.ref.msys.registerModule".
import { andThen, type Eventually, firstOf, orElse } from '../mail/eventually.ts'
import { LuaError } from '../lua/error.ts'
import type { LuaTable, LuaValue } from '../lua/value.ts'
import { VALIDATE_AGAIN, VALIDATE_CONT, VALIDATE_DONE } from '../msys/constants.ts'
import { settleContent } from '../msys/content.ts'
import type { EcString } from '../msys/ecstring.ts'
import type { ApiObject, ValidationContext } from '../msys/handle.ts'
import type { ListNode } from '../msys/listnode.ts'
import type { CalloutNotes, CallSite, ExtraValue, Subject } from '../msys/runtime.ts'
import { isRejection } from '../msys/verdict.ts'
import { type CalloutFailure, failureOf, startMeter } from './meter.ts'
import type { Callout } from './module.ts'
import { type Argument, type CalloutName, type Phase, phaseOf } from './phases.ts'
import type { Loaded } from './loaded.ts'
import { trace } from './tracing.ts'

export type PhaseOutcome =
  /** Every callout that had to run did; the verdict is on `vctx`. */
  | { readonly kind: 'done' }
  /** core_final_validation2 decided. */
  | { readonly kind: 'final'; readonly result: 'reject' | 'defer' }
  /** A script answered a hook that asks for a number. */
  | { readonly kind: 'answer'; readonly value: number }
  /** A callout raised, was killed or returned no verdict. */
  | { readonly kind: 'failed'; readonly reason: string }

export interface PolicySession {
  run(callout: CalloutName, subject: Subject): Eventually<PhaseOutcome>
  /** Runs `validate_dealloc` of the modules that took part. Never fails. */
  close(): Eventually<void>
}

const DONE: PhaseOutcome = { kind: 'done' }
const SESSION_ENDED: PhaseOutcome = { kind: 'failed', reason: 'the session ended' }
const AGAIN_DELAY_MS = 100
/** Switches every script off, like `__bypass_<module>` one of them (manual page "policy"). */
const BYPASS_ALL = '__bypass_scriptlet'

/** What scripts keep for the length of a session: `self` of each module, and `_TLS` for all. */
interface SessionTables {
  selfOf(module: number): LuaTable
  locals(): LuaTable
}

export function openPolicySession(loaded: Loaded): PolicySession {
  const selves: (LuaTable | undefined)[] = []
  let isOver = false
  let locals: LuaTable | undefined
  const tables: SessionTables = {
    selfOf: (module) =>
      (selves[module] ??= loaded.state.newTable(loaded.registrations[module]?.table)),
    locals: () => (locals ??= loaded.state.newTable()),
  }

  return {
    run(name, subject) {
      const callouts = loaded.callouts.get(name)
      if (!callouts || subject.vctx.grants?.(BYPASS_ALL)) return DONE
      const phase = phaseOf(name)
      const { tracer } = loaded.options
      const isTraced = tracer?.wants(subject.ac.connectionId)
      const runOne = (callout: Callout, notes?: CalloutNotes) =>
        runCallout(loaded, phase, callout, tables, subject, () => isOver, notes)
      const step = (callout: Callout) => {
        if (subject.vctx.grants?.(callout.bypass)) return undefined
        if (!tracer || !isTraced) return runOne(callout)
        const script = loaded.registrations[callout.module]?.script ?? ''
        const traced = { callout: name, stage: phase.stage, module: callout.moduleName, script }
        return trace(tracer, traced, subject, (notes) => runOne(callout, notes))
      }
      return andThen(firstOf(callouts, step), (outcome) => {
        if (subject.msg) settleContent(subject.msg)
        return outcome ?? DONE
      })
    },
    close() {
      isOver = true
      const name = 'validate_dealloc'
      const callouts = loaded.callouts.get(name) ?? []
      const step = (callout: Callout): Eventually<undefined> => {
        const self = selves[callout.module]
        if (!self) return undefined
        const { moduleName } = callout
        const context: CallSite = { callout: name, stage: 'end', moduleName }
        return orElse(
          () =>
            andThen(
              loaded.state.call(callout.run, [self], {
                label: name,
                context,
                locals: tables.locals(),
              }),
              () => undefined,
            ),
          (error) => reportFailure(loaded, name, callout, reasonOf(error)),
        )
      }
      return firstOf(callouts, step)
    },
  }
}

/** Undefined: the next script's callout runs. */
function runCallout(
  loaded: Loaded,
  phase: Phase,
  callout: Callout,
  tables: SessionTables,
  subject: Subject,
  isOver: () => boolean,
  notes?: CalloutNotes,
): Eventually<PhaseOutcome | undefined> {
  const self = tables.selfOf(callout.module)
  const args = [self, ...phase.arguments.map((a) => toLua(loaded, a, subject))]
  const { name, stage } = phase
  const { moduleName } = callout
  const context: CallSite = { callout: name, stage, moduleName, subject, ...(notes && { notes }) }
  const { wallMs } = loaded.options.budget
  const call = (waitedMs: number): Eventually<PhaseOutcome | undefined> => {
    const options = { label: phase.name, context, locals: tables.locals() }
    const results = loaded.state.call(callout.run, args, options)
    return andThen(results, ([result]) => {
      if (notes) notes.result = resultText(result)
      if (result !== VALIDATE_AGAIN || phase.result !== 'verdict') {
        return readResult(loaded, phase, callout, result, subject.vctx)
      }
      if (waitedMs >= wallMs) {
        const reason = `${phase.name} still returns VALIDATE_AGAIN after ${wallMs} ms`
        reportFailure(loaded, phase.name, callout, reason)
        return { kind: 'failed', reason }
      }
      return delay(AGAIN_DELAY_MS).then(() =>
        isOver() ? SESSION_ENDED : call(waitedMs + AGAIN_DELAY_MS),
      )
    })
  }
  const end = startMeter(callout.meter)
  let failure: CalloutFailure | undefined
  const outcome = orElse(
    () => call(0),
    (error): PhaseOutcome | undefined => {
      failure = failureOf(error)
      const reason = reasonOf(error)
      if (notes) notes.result = `error: ${reason}`
      reportFailure(loaded, phase.name, callout, reason)
      // There is no reply to change here: the message goes out through the default binding.
      return phase.result === 'binding' ? undefined : { kind: 'failed', reason }
    },
  )
  return andThen(outcome, (found) => {
    end(failure ?? (found?.kind === 'failed' ? 'error' : undefined))
    return found
  })
}

function readResult(
  loaded: Loaded,
  phase: Phase,
  callout: Callout,
  result: LuaValue,
  vctx: ValidationContext,
): PhaseOutcome | undefined {
  if (phase.result === 'ignored') return undefined
  if (phase.result === 'final') return readFinal(result)
  if (phase.result === 'answer') {
    const isAnswer = typeof result === 'number' && result !== phase.neutral
    return isAnswer ? { kind: 'answer', value: result } : undefined
  }
  if (result === VALIDATE_DONE) return DONE
  // Once a rejection is set, the remaining scripts of the phase do not run.
  if (result === VALIDATE_CONT) return isRejection(vctx.verdict) ? DONE : undefined
  if (result === undefined) {
    reportFailure(loaded, phase.name, callout, '(null)')
    if (loaded.options.onBadReturn === 'continue')
      return isRejection(vctx.verdict) ? DONE : undefined
    return { kind: 'failed', reason: `${phase.name} returned nothing` }
  }
  const reason = `${phase.name} returned what is no verdict: ${describe(result)}`
  reportFailure(loaded, phase.name, callout, reason)
  return phase.result === 'binding' ? undefined : { kind: 'failed', reason }
}

function readFinal(result: LuaValue): PhaseOutcome | undefined {
  if (result === 1) return { kind: 'final', result: 'reject' }
  return result === 2 ? { kind: 'final', result: 'defer' } : undefined
}

function toLua(loaded: Loaded, argument: Argument, subject: Subject): LuaValue {
  const { wrap } = loaded
  switch (argument) {
    case 'vctx':
    case 'ac':
      return wrap(subject[argument])
    case 'mc':
      return wrap(subject.ac.construct)
    case 'msg':
      return subject.msg && wrap(subject.msg)
    case 'str':
      return wrap({ kind: 'ec_string', text: subject.str ?? '' } satisfies EcString)
    case 'list_node':
      return wrap({ kind: 'list_node' } satisfies ListNode)
    // Of AUTH, which is no phase of the session.
    case 'password':
      return undefined
    default:
      return extraToLua(loaded, subject.extra?.[argument])
  }
}

function extraToLua({ state, wrap }: Loaded, value: ExtraValue): LuaValue {
  if (typeof value !== 'object') return value
  if (!(value instanceof Map)) return wrap(value as ApiObject)
  const table = state.newTable()
  for (const [key, text] of value) table.set(key, text)
  return table
}

/** The two lines that Momentum writes. */
function reportFailure(loaded: Loaded, phase: string, callout: Callout, reason: string): undefined {
  loaded.options.panic('scriptlet-00147', `${phase} error: ${reason}`)
  loaded.options.panic('scriptlet-00239', `${callout.moduleName} error: ${reason}`)
  return undefined
}

function reasonOf(error: unknown): string {
  if (error instanceof LuaError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

const RESULT_NAMES: ReadonlyMap<LuaValue, string> = new Map<LuaValue, string>([
  [VALIDATE_CONT, 'CONT'],
  [VALIDATE_DONE, 'DONE'],
  [VALIDATE_AGAIN, 'AGAIN'],
  [undefined, 'nil'],
])

function resultText(value: LuaValue): string {
  return RESULT_NAMES.get(value) ?? describe(value)
}

function describe(value: LuaValue): string {
  return typeof value === 'object' ? 'a table or object' : String(value)
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
