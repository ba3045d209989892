import { connect } from 'node:net'
import { once } from 'node:events'
import { createTransport } from 'nodemailer'
import { expect, onTestFinished, test } from 'vitest'
import { openSink } from '../../src/cli/sink.ts'
import { openRecorder } from '../../src/recording/recorder.ts'
import type { Tape } from '../../src/recording/tape.ts'

async function recorder() {
  const sink = await openSink()
  const tapes: Tape[] = []
  const opened = await openRecorder({
    listen: { host: '127.0.0.1', port: 0 },
    server: { host: '127.0.0.1', port: sink.port },
    tellsClient: false,
    capture: undefined,
    settleMs: 0,
    now: () => Date.UTC(2026, 0, 2),
    write: (tape) => void tapes.push(tape),
    report: () => {},
  })
  onTestFinished(async () => {
    await opened.close()
    await sink.close()
  })
  return { tapes, sink, ...opened }
}

test('a session of many messages is written in pieces, each a session of its own', async () => {
  const { address, tapes, close } = await recorder()
  const transport = createTransport({ ...address, ignoreTLS: true, pool: true, maxConnections: 1 })
  const send = () => transport.sendMail({ from: 'a@b.example', to: 'c@d.example', text: 'x' })
  for (let i = 0; i < 60; i++) await send()
  transport.close()
  await close()
  expect(
    tapes.map(({ entries }) => entries.filter(({ kind }) => kind === 'message').length),
  ).toEqual([50, 10])
  for (const { entries, began } of tapes) {
    expect(began).toBe('2026-01-02T00:00:00.000Z')
    expect(entries.slice(0, 2)).toMatchObject(
      [{ kind: 'reply' }, { kind: 'command', line: /^EHLO/ }].map(({ kind }) => ({ kind })),
    )
    expect(entries.at(-1)?.kind).toBe('end')
  }
})

test('a client that has said all still hears the answers', async () => {
  const { address, tapes, close } = await recorder()
  const socket = connect(address)
  let heard = ''
  socket.on('data', (chunk) => (heard += String(chunk)))
  await once(socket, 'data')
  socket.end('EHLO client.example\r\nNOOP\r\nQUIT\r\n')
  await once(socket, 'close')
  await close()
  expect(heard).toMatch(/^220 [^]*\r\n250 [^]*\r\n221 /)
  expect(tapes[0]?.entries.at(-1)).toEqual({ kind: 'end', how: 'quit' })
})
