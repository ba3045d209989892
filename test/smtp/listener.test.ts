import { afterEach, expect, test } from 'vitest'
import type { Reply } from '../../src/mail/reply.ts'
import type { Control } from '../../src/smtp/control.ts'
import type { Conversation, Peer } from '../../src/smtp/conversation.ts'
import { type Listener, openListener } from '../../src/smtp/listener.ts'
import { dial, later } from '../support/wire.ts'

const listeners: Listener[] = []

afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close(0)))
})

async function listen(
  answers: Partial<Conversation> = {},
  options: {
    maxSessions?: number
    onConverse?: (control: Control, peer: Peer) => void
    port?: number
  } = {},
) {
  const reports: unknown[] = []
  const listener = await openListener({
    host: '127.0.0.1',
    port: options.port ?? 0,
    idleSeconds: 60,
    maxSessions: options.maxSessions ?? 0,
    report: (error) => void reports.push(error),
    converse(peer, control) {
      options.onConverse?.(control, peer)
      return {
        greet: () => ({ code: 220, text: 'hello' }),
        command: ({ verb }) => ({ code: 250, text: 'ok', close: verb === 'QUIT' }),
        data: () => ({ maxMessageSize: 0, loneLineEnds: 'fix' }),
        received: () => ({ code: 250, text: 'kept' }),
        violation() {},
        closed() {},
        secured() {},
        ...answers,
      }
    },
  })
  listeners.push(listener)
  return { listener, reports, port: listener.address.port }
}

test('tells its address, and rejects one that is taken', async () => {
  const { listener, port, reports } = await listen()
  expect(listener.address).toEqual({ host: '127.0.0.1', port })
  await expect(listen({}, { port })).rejects.toThrow('EADDRINUSE')
  expect(reports).toEqual([])
})

test('refuses sessions over the limit, until one has ended', async () => {
  const { listener, port } = await listen({}, { maxSessions: 2 })
  const [first, second] = [await dial(port), await dial(port)]
  await first.expect('220')
  await second.expect('220')
  const third = await dial(port)
  expect(await third.reply()).toBe('421 4.4.5 Service unavailable, concurrency limit reached.')
  await third.ended
  expect(listener.sessions).toBe(2)
  await first.ask('QUIT', '250')
  expect(listener.sessions).toBe(1)
  await (await dial(port)).expect('220')
})

test('counts a session that was reset as ended', async () => {
  const ended = later<boolean>()
  const { listener, port } = await listen({ closed: ended.give })
  const wire = await dial(port)
  await wire.expect('220')
  expect(listener.sessions).toBe(1)
  wire.reset()
  await ended.promise
  expect(listener.sessions).toBe(0)
})

test('survives a Conversation that cannot be made', async () => {
  const bug = new Error('bug')
  let isBroken = true
  const { port, reports } = await listen(
    {},
    {
      onConverse() {
        if (isBroken) throw bug
      },
    },
  )
  const wire = await dial(port)
  await wire.expect('421 4.3.0')
  await wire.ended
  expect(reports).toEqual([bug])
  isBroken = false
  await (await dial(port)).expect('220')
})

test('a session can close itself, and choose its idle time before it begins', async () => {
  const controls: Control[] = []
  const { port } = await listen(
    {},
    {
      onConverse(control) {
        controls.push(control)
        if (controls.length === 2) control.setIdleSeconds(0.02)
      },
    },
  )
  const first = await dial(port)
  await first.expect('220')
  const second = await dial(port)
  await second.expect('220')
  await second.expect('421 4.4.2')
  controls[0]?.close({ code: 421, enhanced: '4.3.2', text: 'Reconfiguration in progress' })
  expect(await first.reply()).toBe('421 4.3.2 Reconfiguration in progress')
  await first.ended
})

test('closing dismisses idle sessions at once and waits for busy ones', async () => {
  const answer = later<Reply>()
  const { listener, port } = await listen({ received: () => answer.promise })
  const idle = await dial(port)
  await idle.expect('220')
  const busy = await dial(port)
  await busy.expect('220')
  await busy.ask('DATA', '354')
  const closed = listener.close(60_000)
  expect(await idle.reply()).toBe('421 4.3.2 Service shutting down')
  await idle.ended
  idle.end()
  await expect(dial(port)).rejects.toThrow('ECONNREFUSED')
  busy.send('x\r\n.\r\nNOOP\r\n')
  answer.give({ code: 250, text: 'kept' })
  await busy.expect('250 kept')
  await busy.expect('421 4.3.2')
  await busy.ended
  busy.end()
  await closed
  expect(listener.sessions).toBe(0)
})

test('closing ends what is still busy after the grace', async () => {
  const { listener, port } = await listen({ received: () => later<Reply>().promise })
  const wire = await dial(port)
  await wire.expect('220')
  await wire.ask('DATA', '354')
  await listener.close(20)
  await wire.ended
  expect(wire.unread).toBe('')
})

test('closing does not wait for a dismissed client that keeps its side open', async () => {
  const { listener, port } = await listen()
  const wire = await dial(port)
  await wire.expect('220')
  await listener.close(60_000)
  await wire.expect('421 4.3.2')
})
