import { describe, expect, test } from 'vitest'
import { openTap } from '../../src/recording/tap.ts'
import type { TapeEntry } from '../../src/recording/tape.ts'

/** Plays what each side says, `>` the client and `<` the server; what came out, and what was kept. */
function listen(...said: readonly string[]) {
  const kept: TapeEntry[] = []
  const out = { toServer: '', toClient: '' }
  let answered = 0
  const tap = openTap({
    toServer: (bytes) => void (out.toServer += bytes.toString('latin1')),
    toClient: (bytes) => void (out.toClient += bytes.toString('latin1')),
    keep: (entry) => void kept.push(entry),
    messageAnswered: () => void answered++,
  })
  for (const line of said) {
    const bytes = Buffer.from(line.slice(1), 'latin1')
    if (line.startsWith('>')) tap.fromClient(bytes)
    else tap.fromServer(bytes)
  }
  const texts = kept.map((entry) => {
    if (entry.kind === 'reply') return `< ${entry.text}`
    if (entry.kind === 'command') return `> ${entry.line}`
    if (entry.kind === 'message') return `= ${entry.bytes.toString('latin1')}`
    return entry.kind === 'auth' ? `user ${entry.user}` : entry.kind
  })
  return { ...out, kept: texts, answered }
}

test('passes everything on as it is, and keeps commands, replies and the message', () => {
  const client = [
    'EHLO a\r\n',
    'MAIL FROM:<a@b>\r\n',
    'DATA\r\n',
    'Subject: x\r\n\r\n..dot\r\n.\r\n',
    'QUIT\r\n',
  ]
  const result = listen(
    '<220 hi\r\n',
    `>${client[0]}`,
    '<250-b\r\n250 SIZE 10\r\n',
    `>${client[1]}`,
    '<250 ok\r\n',
    `>${client[2]}`,
    '<354 go\r\n',
    `>${client[3]}`,
    '<250 taken\r\n',
    `>${client[4]}`,
    '<221 bye\r\n',
  )
  expect(result.toServer).toBe(client.join(''))
  expect(result.toClient).toBe(
    '220 hi\r\n250-b\r\n250 SIZE 10\r\n250 ok\r\n354 go\r\n250 taken\r\n221 bye\r\n',
  )
  expect(result.kept).toEqual([
    '< 220 hi',
    '> EHLO a',
    '< 250-b\n250 SIZE 10',
    '> MAIL FROM:<a@b>',
    '< 250 ok',
    '> DATA',
    '< 354 go',
    '= Subject: x\r\n\r\n.dot\r\n',
    '< 250 taken',
    '> QUIT',
    '< 221 bye',
  ])
  expect(result.answered).toBe(1)
})

test('follows a client that pipelines, octet by octet', () => {
  const said = 'EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n'
  const message = 'Subject: x\r\n\r\nEHLO not a command\r\n.\r\nQUIT\r\n'
  const octets = (text: string) => Array.from(text, (octet) => `>${octet}`)
  const result = listen(
    '<220 hi\r\n',
    ...octets(said),
    '<250 b\r\n250 ok\r\n250 ok\r\n35',
    '<4 go\r\n',
    ...octets(message),
    '<250 taken\r\n221 bye\r\n',
  )
  expect(result.toServer).toBe(said + message)
  expect(result.kept.slice(-5)).toEqual([
    '< 354 go',
    '= Subject: x\r\n\r\nEHLO not a command\r\n',
    '> QUIT',
    '< 250 taken',
    '< 221 bye',
  ])
})

test('waits with what follows DATA until the server has said what that is', () => {
  const result = listen('<220 hi\r\n', '>DATA\r\n', '>RSET\r\n', '<503 no\r\n', '<250 reset\r\n')
  expect(result.kept).toEqual(['< 220 hi', '> DATA', '< 503 no', '> RSET', '< 250 reset'])
})

describe('what it cannot follow is not offered', () => {
  test('STARTTLS and CHUNKING leave the reply to EHLO, which still ends', () => {
    const { toClient } = listen(
      '<220 hi\r\n',
      '>EHLO a\r\n',
      '<250-b\r\n250-SIZE 1\r\n250-CHUNKING\r\n250 STARTTLS\r\n',
    )
    expect(toClient).toBe('220 hi\r\n250-b\r\n250 SIZE 1\r\n')
  })

  test('and is refused in its turn, the server not being asked', () => {
    const { toServer, toClient, kept } = listen(
      '<220 hi\r\n',
      '>NOOP\r\nSTARTTLS\r\nNOOP\r\n',
      '<250 one\r\n',
      '<250 two\r\n',
    )
    expect(toServer).toBe('NOOP\r\nNOOP\r\n')
    expect(toClient).toBe('220 hi\r\n250 one\r\n502 5.5.1 not offered here\r\n250 two\r\n')
    expect(kept).toContain('> STARTTLS')
  })
})

describe('secrets of AUTH', () => {
  const base64 = (text: string) => Buffer.from(text).toString('base64')

  test.each([
    ['PLAIN at once', [`>AUTH PLAIN ${base64('\0ann@x\0s3cret')}\r\n`]],
    ['PLAIN when asked', ['>AUTH PLAIN\r\n', '<334 \r\n', `>${base64('\0ann@x\0s3cret')}\r\n`]],
    [
      'LOGIN',
      [
        '>AUTH LOGIN\r\n',
        '<334 VXNlcg==\r\n',
        `>${base64('ann@x')}\r\n`,
        '<334 UGFzcw==\r\n',
        `>${base64('s3cret')}\r\n`,
      ],
    ],
  ])('are passed on and not kept: %s', (_, said) => {
    const { toServer, kept } = listen(
      '<220 hi\r\n',
      ...said,
      '<235 welcome\r\n',
      '>NOOP\r\n',
      '<250 ok\r\n',
    )
    expect(toServer).toBe(
      `${said
        .filter((line) => line.startsWith('>'))
        .map((line) => line.slice(1))
        .join('')}NOOP\r\n`,
    )
    expect(kept.slice(-4)).toEqual(['< 235 welcome', 'user ann@x', '> NOOP', '< 250 ok'])
    const secrets = [base64('\0ann@x\0s3cret'), base64('s3cret'), 's3cret']
    expect(secrets.filter((secret) => JSON.stringify(kept).includes(secret))).toEqual([])
  })
})
