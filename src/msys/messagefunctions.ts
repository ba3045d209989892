// Functions of Momentum's C API that policy finds in two forms: `msys.core.ec_message_context_get(msg, …)` is
// `msg:context_get(…)`.
import type { Binding } from './declaration.ts'
import { memberOf } from './declaration.ts'
import { assertAlive, type MessageHandle } from './handle.ts'
import { MESSAGE } from './message.ts'
import { object, readArguments } from './parameter.ts'

const NAMES = new Set(
  `context_get context_set context_exists context_exists_and_get context_delete context_firstkey
  context_nextkey copy get_code get_delivery_method get_envelope2 get_message_size is_mcmt
  render_to_string set_code set_first_part snapshot`.split(/\s+/),
)

const SELF = [object<MessageHandle>('msg', 'message')] as const

export const MESSAGE_FUNCTIONS: readonly Binding<undefined>[] = MESSAGE.methods
  .filter((method) => NAMES.has(memberOf(method)))
  .map((method) => {
    const name = `msys.core.ec_message_${memberOf(method)}`
    return {
      ...method,
      name,
      parameters: ['msg', ...(method.parameters ?? [])],
      expects: ['message', ...(method.expects ?? [])],
      doc: method.name,
      call(_, [self, ...args], runtime) {
        const [msg] = readArguments(name, SELF, [self])
        assertAlive(msg)
        return method.call(msg, args, runtime)
      },
    }
  })
