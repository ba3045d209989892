// `msys.spamc.spamc_scan` (Momentum 5 manual page "spamassassin"): what SpamAssassin says of a message, as context
// variables of it.
import { later } from '../lua/binding.ts'
import { abortSignal } from '../lua/call.ts'
import { LuaCallError } from '../lua/error.ts'
import { CRLF } from '../mime/tree.ts'
import { contentOf } from './content.ts'
import { declare } from './declaration.ts'
import { assertAlive, type MessageHandle } from './handle.ts'
import { object } from './parameter.ts'
import { MESSAGE_STAGES } from './stage.ts'
import { runningCall } from './waiting.ts'

const fn = declare<undefined>()
const NAME = 'msys.spamc.spamc_scan'

export const SPAMC_FUNCTIONS = [
  fn(
    NAME,
    [object<MessageHandle>('msg', 'message')],
    {
      result: 'nil',
      tier: 2,
      stages: MESSAGE_STAGES,
      doc: 'asks the daemon of the spamassassin stanza; sets `spamc_status` (ok or failed), and with ok `spamc_spam`, `spamc_score`, `spamc_thresh`, `spamc_symbols`',
    },
    (_, [msg], { outside, panic }) => {
      assertAlive(msg)
      const call = runningCall(NAME)
      const { fields, separator, body } = contentOf(msg)
      const { spam } = outside
      const head = [...fields.map(({ bytes }) => bytes), separator.length > 0 ? separator : CRLF]
      const octets = Buffer.concat([...head, body.subarray(0, spam.maxBytes)])
      return later(async () => {
        const answer = await spam.scanner.scan(octets, abortSignal(call))
        assertAlive(msg)
        const { message } = msg.current.context
        if (answer.kind === 'refused') throw new LuaCallError(`${NAME}: ${answer.text}`)
        message.set('spamc_status', answer.kind === 'failed' ? 'failed' : 'ok')
        if (answer.kind === 'failed') {
          panic(`${NAME}: ${answer.text}`)
          return
        }
        message.set('spamc_spam', String(answer.isSpam))
        message.set('spamc_score', answer.score.toFixed(2))
        message.set('spamc_thresh', answer.threshold.toFixed(2))
        message.set('spamc_symbols', answer.symbols)
      })
    },
  ),
]
