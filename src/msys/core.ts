// The functions of `msys` itself.
import { later } from '../lua/binding.ts'
import { LuaCallError } from '../lua/error.ts'
import { contentOf } from './content.ts'
import { declare } from './declaration.ts'
import { validatedName } from './fcdns.ts'
import { expandMacros } from './macro.ts'
import { func, string, table } from './parameter.ts'
import { asksForName } from './spfmacro.ts'
import { LOAD_STAGE } from './stage.ts'

const fn = declare<undefined>()

export const CORE_FUNCTIONS = [
  fn(
    'msys.registerModule',
    [string('name'), table('callouts')],
    { result: 'nil', tier: 1, stages: LOAD_STAGE, doc: 'registers callouts under a name' },
    (_, [name, callouts], { registerModule }) => registerModule(name, callouts),
  ),
  fn(
    'msys.registerAuth',
    [string('scheme'), table('handlers')],
    {
      result: 'nil',
      tier: 2,
      stages: LOAD_STAGE,
      doc: 'registers who knows user names and passwords: `uri = "scheme://…"` in AuthPlainParameters',
      differs: 'only `authenticate` is called: there is no authorization by groups',
    },
    (_, [scheme, handlers], { registerAuth }) => registerAuth(scheme, handlers),
  ),
  fn(
    'msys.registerControl',
    [string('prefix'), func('handler')],
    {
      result: 'nil',
      tier: 2,
      stages: LOAD_STAGE,
      doc: 'registers a console command: the handler gets `cc` with `argc` and `argv`, from 0; what it prints is the reply',
    },
    (_, [prefix, handler], { registerControl }) => registerControl(prefix, handler),
  ),
  fn(
    'msys.expandMacro',
    [string('text')],
    {
      result: 'string',
      tier: 1,
      doc: 'expands `%{namespace:name}` in a text; a macro that is not known becomes "", with a paniclog line',
    },
    (_, [text], { callSite, nowMs, outside, panic }) => {
      const subject = callSite()?.subject
      if (!subject) throw new LuaCallError('msys.expandMacro: no message or session here')
      const { ac, msg, sending, vctx } = subject
      const { context } = vctx
      const expand = (name: string | undefined): string => {
        const facts = {
          context,
          remoteAddress: ac.remoteAddress,
          message: msg && { ...msg.current, ...contentOf(msg) },
          validatedName: name,
          hostname: sending?.hostname,
          nowMs: nowMs(),
        }
        return expandMacros(text, facts, (macro) =>
          panic(`msys.expandMacro: ${macro} is not known here and became ""`),
        )
      }
      if (!asksForName(text)) return expand(undefined)
      return later(async () => {
        const domain = expandMacros('%{d}', { context, nowMs: 0 }, () => {})
        return expand(await validatedName(ac.remoteAddress, domain, outside.resolver))
      })
    },
  ),
]
