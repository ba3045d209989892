import { describe, expect, test } from 'vitest'
import {
  deliveryLine,
  failureLine,
  heartbeatLine,
  panicLine,
  receptionLine,
  rejectionLine,
} from '../../src/events/lines.ts'

const COPY = {
  seconds: 1_795_260_480,
  messageId: '10/00-25004-31B987F3',
  batchId: '00/00-25004-31B987F3',
  connectionId: '00/00-25004-31B987F2',
  egress: { binding: 'b1', group: 'g1' },
}

const ATTEMPT = {
  ...COPY,
  domain: 'example.com',
  sizeBytes: 1337,
  retries: 2,
  queueSeconds: 61,
  remoteAddress: '192.0.2.7',
}

describe('mainlog', () => {
  test('a reception has its fourteen fields', () => {
    const line = receptionLine({
      ...COPY,
      rcptto: 'Anna@example.com',
      mailfrom: 'news@sender.example',
      peerAddress: '127.0.0.1',
      sizeBytes: 1337,
    })
    expect(line).toBe(
      '1795260480@10/00-25004-31B987F3@00/00-25004-31B987F3@00/00-25004-31B987F2@R@Anna@example.com@' +
        'news@sender.example@127.0.0.1@1337@esmtp@g1@b1',
    )
    expect(line.split('@')).toHaveLength(14)
  })

  test('a delivery and a failure have theirs', () => {
    expect(deliveryLine(ATTEMPT).slice(COPY.batchId.length)).toMatch(
      /@D@example\.com@1337@g1@b1@2@61@192\.0\.2\.7$/,
    )
    expect(failureLine('T', { ...ATTEMPT, stage: 5, text: '450 4.2.0 busy' })).toMatch(
      /@T@example\.com@1337@g1@b1@5@2@61@192\.0\.2\.7@450 4\.2\.0 busy$/,
    )
  })

  test('what a peer said cannot begin another line', () => {
    const line = failureLine('P', { ...ATTEMPT, stage: 5, text: '550 no\r\n1@2@3@4@D@evil' })
    expect(line).toContain('550 no\\x0D\\x0A1@2@3@4@D@evil')
    expect(line).not.toMatch(/[\r\n]/)
  })

  test('a heartbeat has an empty head', () => {
    expect(heartbeatLine(1)).toBe('1@@@@M')
  })
})

test('rejectlog quotes values that hold blanks or marks, and leaves empty ones bare', () => {
  const line = rejectionLine({
    seconds: 7,
    remote: '127.0.0.1:4711',
    local: '127.0.0.1:25',
    connectionId: COPY.connectionId,
    pathway: 'default',
    pathwayGroup: 'default',
    state: 'awaiting rcptto',
    code: 550,
    module: 'scriptlet',
    context: {
      connection: new Map([
        ['can_relay', 'true'],
        ['ehlo_string', 'EHLO a "b"'],
      ]),
      message: new Map([['mailfrom_domain', '']]),
    },
    text: '550 No such address',
  })
  expect(line).toBe(
    '7: R="127.0.0.1:4711" L="127.0.0.1:25" C="00/00-25004-31B987F2" PATH="default" ' +
      'PATH_GRP="default" P="awaiting rcptto" E=550 M=scriptlet ' +
      'CTXCONN=[can_relay=true,ehlo_string="EHLO a \\"b\\""] CTXMESS=[mailfrom_domain=] 550 No such address',
  )
})

test('paniclog keeps line breaks of one print', () => {
  expect(panicLine(7, 'scriptlet', 'a\nb')).toBe('7:scriptlet: a\nb')
})
