// What is heard of a conversation with a next hop: all that is said, but no secret and no message.
import { afterEach, expect, test } from 'vitest'
import { openClient } from '../../src/relay/client.ts'
import { type Peer, type Script, startPeer } from '../support/peer.ts'
import { PROFILE } from './fakes.ts'

let peer: Peer | undefined
afterEach(() => peer?.close())

const MESSAGE = {
  mailfrom: 'a@b.example',
  recipients: ['c@d.example'],
  bytes: Buffer.from('Subject: x\r\n\r\nvery private\r\n'),
}

async function heard(script: Script, auth = PROFILE.auth): Promise<string[]> {
  peer = await startPeer(script)
  const lines: string[] = []
  const client = await openClient({
    id: 'c',
    name: 'peer',
    address: '127.0.0.1',
    port: peer.port,
    profile: { ...PROFILE, auth },
    tap: (who, text) =>
      void lines.push(
        ...text
          .trimEnd()
          .split('\r\n')
          .map((line) => `${who} ${line}`),
      ),
  })
  if ('kind' in client) return lines
  await client.deliver(MESSAGE)
  await client.quit()
  return lines
}

test('both sides are heard, of a message its size', async () => {
  expect(await heard({ EHLO: '250-peer\r\n250 PIPELINING' })).toEqual([
    'them 220 peer.test ESMTP',
    'us EHLO us.test',
    'them 250-peer',
    'them 250 PIPELINING',
    'us MAIL FROM:<a@b.example>',
    'us RCPT TO:<c@d.example>',
    'us DATA',
    'them 250 2.1.0 ok',
    'them 250 2.1.5 ok',
    'them 354 go ahead',
    expect.stringMatching(/^us \[\d+ octets\]$/),
    'them 250 2.0.0 queued',
    'us QUIT',
    'them 221 2.0.0 bye',
    'end closed',
  ])
})

test.each(['PLAIN', 'LOGIN', 'XOAUTH2'] as const)('a password is not heard: %s', async (type) => {
  const lines = await heard(
    { EHLO: `250-peer\r\n250 AUTH ${type}` },
    { user: 'anna', password: 'sesame', type },
  )
  expect(lines).toContain(`us AUTH ${type} [hidden]`)
  const secrets = ['anna', 'sesame', '\0anna\0sesame'].map((text) =>
    Buffer.from(text).toString('base64'),
  )
  for (const secret of secrets) expect(lines.join('\n')).not.toContain(secret)
})

test('why a conversation is over is heard, too', async () => {
  const lines = await heard({ EHLO: (socket) => socket.destroy() })
  expect(lines.at(-1)).toBe('end closed')
})
