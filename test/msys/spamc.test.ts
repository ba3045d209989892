// msys.spamc from Lua, over a daemon of the test's own that speaks SpamAssassin's protocol.
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { spamdScanner } from '../../src/outside/spamd.ts'
import { runLua } from '../support/policy.ts'

const MAIL = `Subject: s\r\n\r\n${'b'.repeat(20)}\r\n`

async function scan(answer: string | undefined) {
  const asked: string[] = []
  const server = createServer((socket) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const [, length, message = ''] = /^[^]*?Content-length: (\d+)\r\n\r\n([^]*)$/.exec(text) ?? []
      if (message.length < Number(length)) return
      asked.push(text)
      if (answer !== undefined) socket.end(answer)
    })
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const scanner = spamdScanner({
    daemon: { host: 'localhost', port },
    timeoutMs: answer === undefined ? 50 : 5_000,
    resolver: { ask: () => ({ kind: 'failed', text: 'NXDOMAIN' }) },
  })
  const { said, lines } = await runLua(
    `msys.spamc.spamc_scan(msg)
     for _, k in ipairs { "status", "spam", "score", "thresh", "symbols" } do
       say(msg:context_get(M, "spamc_" .. k))
     end`,
    { mail: MAIL, outside: { spam: { scanner, maxBytes: 10 } } },
  )
  server.close()
  return { said, lines, asked }
}

test('a verdict becomes context variables', async () => {
  const { said, asked } = await scan(
    'SPAMD/1.1 0 EX_OK\r\nContent-length: 20\r\nSpam: True ; 7.12 / 5.0\r\n\r\nBAYES_99,HTML_ONLY\r\n',
  )
  expect(said).toBe('ok true 7.12 5.00 BAYES_99,HTML_ONLY')
  expect(asked).toEqual([
    'SYMBOLS SPAMC/1.2\r\nContent-length: 24\r\n\r\nSubject: s\r\n\r\nbbbbbbbbbb',
  ])
})

test.each([
  ['SPAMD/1.1 76 Bad header line\r\n\r\n', 'it says: SPAMD/1.1 76 Bad header line'],
  ['SPAMD/1.1 0 EX_OK\r\n\r\n', 'no verdict in its answer'],
  [undefined, 'no answer within 0.05 s'],
])('%j is a failure, and paniclog says so', async (answer, text) => {
  const { said, lines } = await scan(answer)
  expect(said).toBe('failed    ')
  expect(lines.join('\n')).toContain(`msys.spamc.spamc_scan: ${text}`)
})

test.each([
  ['msys.spamc.spamc_scan()', 'bad argument #1 (message expected, got nil): msg'],
  ['msys.spamc.spamc_scan(msg)', 'msys.spamc.spamc_scan: no spamassassin stanza here'],
])('%s raises', async (code, text) => {
  expect((await runLua(code)).said).toContain(text)
})
