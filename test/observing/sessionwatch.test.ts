import { expect, test } from 'vitest'
import { makeSessionWatch } from '../../src/observing/sessionwatch.ts'
import type { Reply } from '../../src/mail/reply.ts'
import type { Conversation } from '../../src/smtp/conversation.ts'
import { later } from '../support/wire.ts'

const OK: Reply = { code: 250, text: 'ok' }
const PEER = {
  remoteAddress: '192.0.2.1',
  remotePort: 4711,
  localAddress: '192.0.2.2',
  localPort: 25,
}
const command = (verb: string) => ({ verb, argument: '', line: verb })

function conversationOf(answers: Partial<Conversation>): Conversation {
  return {
    greet: () => OK,
    command: () => OK,
    secured: () => undefined,
    data: () => ({ maxMessageSize: 0, loneLineEnds: 'fix' }),
    received: () => OK,
    violation: () => {},
    closed: () => {},
    ...answers,
  }
}

test('a session is in the state that its last command has brought it to', async () => {
  let nowMs = 1000
  const watch = makeSessionWatch(() => nowMs)
  const spooled = later<Reply>()
  const session = watch.watch(
    '192.0.2.2:25',
    PEER,
    conversationOf({
      command: ({ verb }) => (verb === 'RCPT' ? { code: 550, text: 'no' } : OK),
      received: () => spooled.promise,
    }),
  )
  const state = () => watch.all()[0]?.state
  const states = [state()]
  void session.greet()
  for (const verb of ['EHLO', 'MAIL', 'NOOP', 'RCPT']) {
    states.push(state())
    void session.command(command(verb))
  }
  expect(states).toEqual([
    'just connected',
    'awaiting ehlo/helo',
    'awaiting mailfrom',
    'awaiting rcptto',
    'awaiting rcptto',
  ])
  session.data(command('DATA'))
  expect(state()).toBe('reading body')
  nowMs = 5000
  const reply = session.received({ kind: 'message', bytes: Buffer.alloc(0) })
  expect(watch.all()).toEqual([
    {
      listener: '192.0.2.2:25',
      address: '192.0.2.1',
      port: 4711,
      state: 'async body response',
      sinceMs: 5000,
    },
  ])
  spooled.give({ code: 451, text: 'later' })
  await reply
  expect(state()).toBe('awaiting mailfrom')
  session.closed(false)
  expect(watch.all()).toEqual([])
})
