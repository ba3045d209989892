// What a test does with a session and asks of it as a whole: `s:expect_code(250)`, `s:send{ … }`.
import type { LuaClass } from '../lua/binding.ts'
import type { LuaState } from '../lua/state.ts'
import type { LuaValue } from '../lua/value.ts'
import type { SaidReply } from '../rehearsal/client.ts'
import { readMailArguments, textOf } from './arguments.ts'
import { chained, type Expectations } from './chain.ts'
import { complain, expectEqual, quoted } from './complaint.ts'
import { type Finder, numberOf, patternOf, textArgument } from './parameter.ts'
import {
  end,
  logOf,
  type Played,
  type PlayedRecipient,
  recipientOf,
  say,
  send,
  sentOf,
} from './played.ts'
import { troublesOf } from './recipientclass.ts'

export function sessionClass(
  state: LuaState,
  find: Finder,
  recipients: LuaClass<PlayedRecipient>,
): LuaClass<Played> {
  const made: LuaClass<Played> = state.defineClass<Played>({
    name: 'session',
    text: ({ reply }) => `session (${replyLine(reply)})`,
    methods: {
      code: ({ reply }) => reply.code,
      reply: ({ reply }) => replyLine(reply),
      greeting: ({ session }) => replyLine(session.greeting),
      is_closed: ({ session }) => session.isClosed,
      rcpt: (self, rcptto) => recipients.wrap(recipientOf(self, textArgument('rcpt', 1, rcptto))),
      recipients: (self) => self.transaction?.recipients.map(({ rcptto }) => rcptto) ?? [],
      sent: (self) => sentOf(self).map((one) => recipients.wrap(one)),
      context: (self, key) => connectionContext(self, textArgument('context', 1, key)),
      log: (self, name) =>
        logOf(self, name === undefined ? undefined : textArgument('log', 1, name)),
      events: ({ rehearsal }) => rehearsal.world.events,
      command: (self, line) => say(self, textArgument('command', 1, line)).then(replyLine),
      send: async (self, mail) => {
        await send(self, readMailArguments(mail))
        return made.wrap(self)
      },
      advance: ({ rehearsal }, seconds) =>
        rehearsal.world.delay(numberOf('advance', 1, seconds) * 1000),
      close: (self) => end(self),
      ...chained(expectationsOf(find), (self) => made.wrap(self)),
    },
  })
  return made
}

function expectationsOf(find: Finder): Expectations<Played> {
  return {
    expect_code(self, expected) {
      const code = numberOf('expect_code', 1, expected)
      if (self.reply.code === code) return
      complain('code', String(code), replyLine(self.reply) + troublesOf(logOf(self, 'paniclog')))
    },
    expect_reply(self, given) {
      const pattern = patternOf('expect_reply', 1, given)
      const got = replyLine(self.reply)
      if (!find(got, pattern, false))
        complain('reply', `a match of ${quoted(pattern)}`, quoted(got))
    },
    expect_context(self, key, value) {
      const name = textArgument('expect_context', 1, key)
      expectEqual(connectionContext(self, name), textOf(value), `connection context ${name}`)
    },
    expect_log: (self, pattern, name) => expectLog(self, find, true, pattern, name),
    expect_no_log: (self, pattern, name) => expectLog(self, find, false, pattern, name),
  }
}

function expectLog(
  self: Played,
  find: Finder,
  isWanted: boolean,
  given: LuaValue,
  name: LuaValue,
): void {
  const method = isWanted ? 'expect_log' : 'expect_no_log'
  const pattern = patternOf(method, 1, given)
  const lines = logOf(self, name === undefined ? undefined : textArgument(method, 2, name))
  const found = lines.filter((line) => find(line, pattern, false))
  if (found.length > 0 === isWanted) return
  const what = `${isWanted ? 'a' : 'no'} line with a match of ${quoted(pattern)}`
  complain(
    'log',
    what,
    (isWanted ? lines : found).map((line) => `\n    ${line}`).join('') || 'no lines',
  )
}

/** As the last copy left it. */
function connectionContext({ transaction }: Played, key: string): string | undefined {
  const copies = transaction?.recipients.flatMap(({ copy }) => (copy ? [copy] : [])) ?? []
  return copies.at(-1)?.after.connection[key]
}

function replyLine({ code, text }: SaidReply): string {
  return `${code} ${text}`
}
