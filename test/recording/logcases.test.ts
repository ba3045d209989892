import { expect, test } from 'vitest'
import { casesFromLog } from '../../src/recording/logcases.ts'
import type { Tape } from '../../src/recording/tape.ts'

/** What is said and answered. */
function said({ entries }: Tape): string[] {
  return entries.map((entry) => {
    if (entry.kind === 'command') return `> ${entry.line}`
    if (entry.kind === 'reply') return `< ${entry.text}`
    return entry.kind
  })
}

const head =
  '1764057600: R="192.0.2.7:4711" L="10.0.0.1:25" C="5F/00-1-00000001" PATH="default" PATH_GRP="default"'
const ehlo = 'pathway=default,ehlo_string="EHLO rh52-node1",ehlo_domain=rh52-node1'
const mail = 'mailfrom_string="MAIL FROM:<a@b.example>",mailfrom_domain=b.example'

test('a refused recipient is the session up to it', () => {
  const line = `${head} P="awaiting rcptto" E=550 M=scriptlet CTXCONN=[${ehlo}] CTXMESS=[${mail},rcptto_string="RCPT TO:<\\"odd, one\\"@d.example>"] 550 No such address`
  const { tapes } = casesFromLog(line)
  expect(tapes).toMatchObject([
    { peer: '192.0.2.7', began: '2025-11-25T08:00:00.000Z', isCaptured: false },
  ])
  expect(said(tapes[0]!)).toEqual([
    '< 220 ready',
    '> EHLO rh52-node1',
    '< 250 ok',
    '> MAIL FROM:<a@b.example>',
    '< 250 ok',
    '> RCPT TO:<"odd, one"@d.example>',
    '< 550 No such address',
    '> QUIT',
    '< 221 bye',
    'end',
  ])
})

test('what was refused after the final dot has a message', () => {
  const line = `${head} P="async body response" E=554 M=scriptlet CTXCONN=[${ehlo}] CTXMESS=[${mail},rcptto_string="RCPT TO:<c@d.example>"] 554 spam`
  expect(said(casesFromLog(line).tapes[0]!).slice(5)).toEqual([
    '> RCPT TO:<c@d.example>',
    '< 250 ok',
    '> DATA',
    '< 354 go on',
    'message',
    '< 554 spam',
    '> QUIT',
    '< 221 bye',
    'end',
  ])
})

test('a refusal at connect is a greeting, and text without a code gets it', () => {
  const line = `${head} P="just connected" E=554 M=ecelerity CTXCONN=[] CTXMESS=[] go away`
  expect(said(casesFromLog(line).tapes[0]!)).toEqual(['< 554 go away', 'end'])
})

test('receptions of one batch are one envelope', () => {
  const line = (rcptto: string) =>
    `1764057600@00/00-1-1@00/00-1-0@00/00-1-9@R@${rcptto}@d.example@news\\@x@b.example@192.0.2.7@208@esmtp@default@default`
  const { tapes, ignored } = casesFromLog(
    `${line('one')}\n${line('two')}\n1764057600@@@@M\n\nnonsense\n`,
  )
  expect(ignored).toBe(2)
  expect(tapes.map(said)).toEqual([
    [
      '< 220 ready',
      '> EHLO client.example',
      '< 250 ok',
      '> MAIL FROM:<news@x@b.example>',
      '< 250 ok',
      '> RCPT TO:<one@d.example>',
      '< 250 ok',
      '> RCPT TO:<two@d.example>',
      '< 250 ok',
      '> RSET',
      '< 250 ok',
      '> QUIT',
      '< 221 bye',
      'end',
    ],
  ])
})
