// Console commands of policy (Momentum manual page "lua.ref.msys.registerControl"): a handler gets `cc` with
// `argc` and `argv`, whose first word, at 0, is the command; what it prints is the reply.
import type { LuaFunction } from '../lua/value.ts'
import type { CallSite } from '../msys/runtime.ts'
import type { Loaded } from './loaded.ts'

/** Handlers by the words that they are for. */
export type Controls = Map<string, LuaFunction>

/** Rejects with a LuaError when the handler raises. Undefined: no handler is for these words. */
export function runControl(
  loaded: Loaded,
  controls: Controls,
  argv: readonly string[],
): Promise<string> | undefined {
  const command = argv.join(' ')
  const prefix = [...controls.keys()]
    .filter((words) => command === words || command.startsWith(`${words} `))
    .sort((a, b) => b.length - a.length)[0]
  const handler = prefix === undefined ? undefined : controls.get(prefix)
  return handler && call(loaded, handler, argv)
}

async function call(
  { state }: Loaded,
  handler: LuaFunction,
  argv: readonly string[],
): Promise<string> {
  const words = state.newTable()
  argv.forEach((word, i) => words.set(i, word))
  const cc = state.newTable()
  cc.set('argc', argv.length)
  cc.set('argv', words)
  const lines: string[] = []
  const context: CallSite = {
    callout: 'registerControl',
    stage: 'other',
    moduleName: argv[0] ?? '',
    print: (text) => lines.push(text),
  }
  await state.call(handler, [cc], { label: `control ${argv[0]}`, context })
  return lines.map((line) => `${line}\n`).join('')
}
