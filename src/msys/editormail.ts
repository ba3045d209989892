// `msys.policyeditor.send_email` of Momentum 3 (manual page "implementing.policy.scriptlets"): a short text to
// somebody, at most one in so many seconds.
import { LuaCallError } from '../lua/error.ts'
import type { LuaTable } from '../lua/value.ts'
import { splitAddress } from '../mail/address.ts'
import { mailDate } from '../mail/date.ts'
import { andThen } from '../mail/eventually.ts'
import { parseAddresses } from '../mime/addresslist.ts'
import { makeField } from '../mime/field.ts'
import { canonicalLines } from '../mime/line.ts'
import { readAddress } from './address.ts'
import { declare } from './declaration.ts'
import { injectMessage, newMessage, sendingOf } from './messagesend.ts'
import { asString, table } from './parameter.ts'
import type { Background } from './runtime.ts'
import { type Stage, STAGES } from './stage.ts'

const fn = declare<undefined>()
const NAME = 'msys.policyeditor.send_email'
const SENDING: readonly Stage[] = STAGES.filter((stage) => stage !== 'load' && stage !== 'end')
/** Of messages whose `throttle` is not over. */
const MAX_REMEMBERED = 1_000

/** When each was last sent, by the policy that sent it. */
const sentBy = new WeakMap<Background, Map<string, number>>()

export const EDITOR_MAIL_FUNCTIONS = [
  fn(
    NAME,
    [table('ctx'), table('vars'), table('options')],
    {
      result: 'nil',
      tier: 2,
      stages: SENDING,
      doc: 'sends a text: `from`, `to` (with commas or blanks between addresses), `subject`, `body`; at most one such in `throttle` seconds',
    },
    (_, [, , options], runtime) => {
      const text = (key: string): string => textOf(options, key)
      const key = [text('from'), text('to'), text('subject')].join('\0')
      const nowMs = runtime.nowMs()
      const sentAtMs = sentBy.get(runtime.background) ?? new Map<string, number>()
      sentBy.set(runtime.background, sentAtMs)
      const throttleMs = Number(options.get('throttle') ?? 0) * 1000
      if (nowMs - (sentAtMs.get(key) ?? -Infinity) < throttleMs) return
      if (sentAtMs.size >= MAX_REMEMBERED) sentAtMs.clear()
      sentAtMs.set(key, nowMs)
      const host = sendingOf(runtime)?.hostname ?? 'localhost'
      const fresh = newMessage(runtime)
      const message = {
        ...fresh,
        fields: [
          makeField('From', text('from')),
          makeField('To', text('to')),
          makeField('Subject', text('subject')),
          makeField('Date', mailDate(nowMs)),
          makeField('Message-ID', `<${fresh.id.replace(/[^\w.-]/g, '.')}@${host}>`),
          makeField('MIME-Version', '1.0'),
          makeField('Content-Type', 'text/plain; charset=utf-8'),
          makeField('Content-Transfer-Encoding', '8bit'),
        ],
        separator: Buffer.from('\r\n'),
        body: canonicalLines(Buffer.from(`${text('body')}\r\n`, 'latin1')),
      }
      const to = parseAddresses(text('to').replace(/\s+/g, ',')).map(({ address }) =>
        readAddress(NAME, address),
      )
      const done = injectMessage(message, splitAddress(text('from')), to, runtime)
      return andThen(done, (reason) => {
        if (reason !== undefined) throw new LuaCallError(`${NAME}: not queued: ${reason}`)
      })
    },
  ),
]

function textOf(options: LuaTable, key: string): string {
  const text = asString(options.get(key))
  if (text !== undefined) return text
  throw new LuaCallError(`${NAME}: bad argument #3 (string expected): options.${key}`)
}
