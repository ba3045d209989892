import { describe, expect, test, vi } from 'vitest'
import { SmtpError, type Reply } from '../../src/mail/reply.ts'
import type { Conversation } from '../../src/smtp/conversation.ts'
import { openDialogue } from '../../src/smtp/dialogue.ts'
import { later } from '../support/wire.ts'

const OK: Reply = { code: 250, text: 'ok' }
const BODY = 'Subject: x\r\n\r\n..\r\n.\r\n'

interface Setup {
  answers?: Partial<Conversation>
  maxBadCommands?: number
  isReading?: () => boolean
}

/** A dialogue with what it did, in order. */
function talk(setup: Setup = {}) {
  const log: string[] = []
  const writes: string[] = []
  const reports: unknown[] = []
  const conversation: Conversation = {
    greet: () => ({ code: 220, text: 'hello' }),
    command({ line, verb }) {
      log.push(line)
      return verb === 'QUIT' ? { code: 221, text: 'bye', close: true } : OK
    },
    data: () => ({ maxMessageSize: 0, loneLineEnds: 'fix' }),
    received(received) {
      log.push(received.kind === 'message' ? received.bytes.toString('latin1') : received.kind)
      return OK
    },
    violation: (reply) => void log.push(`violation ${reply.code} ${reply.enhanced}`),
    closed() {},
    secured: ({ cipher }) => void log.push(`secured ${cipher}`),
    ...setup.answers,
  }
  const wire = {
    write(replies: string) {
      writes.push(replies)
      return setup.isReading?.() ?? true
    },
    end: () => void log.push('end'),
    startTls(_: unknown, resume: () => void) {
      log.push('handshake')
      resume()
    },
    abort: () => void log.push('abort'),
  }
  const dialogue = openDialogue(conversation, wire, {
    idleSeconds: 60,
    dataSeconds: 60,
    maxBadCommands: setup.maxBadCommands ?? 20,
    report: (error) => void reports.push(error),
  })
  dialogue.greet()
  writes.length = 0
  let wanted = 0
  const take = (octets: string): void => {
    dialogue.take(Buffer.from(octets, 'latin1'), () => void wanted++)
  }
  return { ...dialogue, take, log, writes, reports, wanted: () => wanted }
}

/** When everything that was scheduled for now has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
  }
}

describe('replies', () => {
  test('to a whole pipelined transaction leave in one write, without a promise', () => {
    const { take, log, writes, wanted } = talk()
    take(`MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n${BODY}QUIT\r\n`)
    expect(writes).toEqual([
      '250 ok\r\n250 ok\r\n354 end data with <CR><LF>.<CR><LF>\r\n250 ok\r\n221 bye\r\n',
    ])
    expect(log).toEqual(['MAIL FROM:<>', 'RCPT TO:<a@b>', 'Subject: x\r\n\r\n.\r\n', 'QUIT', 'end'])
    expect(wanted()).toBe(0)
  })

  test('leave in one write when promises are already fulfilled', async () => {
    const { take, writes } = talk({ answers: { command: async () => OK } })
    take('A\r\nB\r\nC\r\n')
    expect(writes).toEqual([])
    await settled()
    expect(writes).toEqual(['250 ok\r\n250 ok\r\n250 ok\r\n'])
  })

  test('leave before an answer that has to be waited for', async () => {
    const { take, writes } = talk({ answers: { received: () => new Promise(() => {}) } })
    take(`MAIL FROM:<>\r\nDATA\r\n${BODY}`)
    await settled()
    expect(writes).toEqual(['250 ok\r\n354 end data with <CR><LF>.<CR><LF>\r\n'])
  })

  test('of several lines and with control characters keep their framing', () => {
    const reply = { code: 250, enhanced: '2.0.0', text: 'a\nb\r\nc\rd\0' }
    const { take, writes } = talk({ answers: { command: () => reply } })
    take('A\r\n')
    expect(writes).toEqual(['250-2.0.0 a\r\n250-2.0.0 b\r\n250 2.0.0 cd\r\n'])
  })

  test('do not pile up for a client that does not read them', async () => {
    let isReading = false
    const { take, log, wanted, drained } = talk({ isReading: () => isReading })
    take('A\r\n'.repeat(10_000))
    await settled()
    const taken = log.length
    expect(taken).toBeLessThan(3_000)
    await settled()
    expect(log.length).toBe(taken)
    expect(wanted()).toBe(0)
    isReading = true
    drained()
    while (log.length < 10_000) await settled()
    expect(wanted()).toBe(1)
  })
})

describe('commands', () => {
  test('wait for the answer to the one before, and so does input', async () => {
    const answers: ((reply: Reply) => void)[] = []
    const order: string[] = []
    const { take, writes, wanted } = talk({
      answers: {
        command({ line }) {
          order.push(line)
          return new Promise<Reply>((resolve) => answers.push(resolve))
        },
      },
    })
    take('A\r\nB\r\n')
    await settled()
    expect(order).toEqual(['A'])
    expect(wanted()).toBe(0)
    answers[0]?.({ code: 250, text: 'a' })
    await settled()
    expect(order).toEqual(['A', 'B'])
    answers[1]?.({ code: 250, text: 'b' })
    await settled()
    expect(writes).toEqual(['250 a\r\n', '250 b\r\n'])
    expect(wanted()).toBe(1)
  })

  test('after one that closes are ignored', () => {
    const { take, log, writes } = talk()
    take('QUIT\r\nNOOP\r\n')
    take('NOOP\r\n')
    expect(log).toEqual(['QUIT', 'end'])
    expect(writes).toEqual(['221 bye\r\n'])
  })

  test('of one client give way to others after a hundred', async () => {
    const { take, log } = talk()
    take('A\r\n'.repeat(250))
    expect(log.length).toBe(100)
    await settled()
    expect(log.length).toBe(250)
  })

  test('that raise are answered 451 and reported', async () => {
    const bug = new Error('private')
    const { take, writes, reports } = talk({
      answers: {
        command({ verb }) {
          if (verb === 'A') throw bug
          if (verb === 'B') return Promise.reject(bug)
          throw new SmtpError({ code: 550, enhanced: '5.7.1', text: 'no' }, 'private')
        },
        data() {
          throw bug
        },
      },
    })
    take('A\r\nB\r\nC\r\nDATA\r\n')
    await settled()
    const unknown = '451 4.3.0 local error in processing\r\n'
    expect(writes.join('')).toBe(`${unknown}${unknown}550 5.7.1 no\r\n${unknown}`)
    expect(reports).toEqual([bug, bug, bug])
  })
})

describe('data', () => {
  test('that is refused leaves the dialogue in commands', () => {
    const { take, log, writes } = talk({
      answers: { data: () => ({ code: 503, enhanced: '5.5.1', text: 'no recipients' }) },
    })
    take('DATA\r\nNOOP\r\n')
    expect(writes).toEqual(['503 5.5.1 no recipients\r\n250 ok\r\n'])
    expect(log).toEqual(['NOOP'])
  })

  test('in any chunks is the same message', () => {
    const { take, log } = talk()
    for (const octet of `DATA\r\n${BODY}NOOP\r\n`) take(octet)
    expect(log).toEqual(['Subject: x\r\n\r\n.\r\n', 'NOOP'])
  })

  test('beyond the limits is told with its reason', () => {
    const { take, log } = talk({
      answers: { data: () => ({ maxMessageSize: 3, loneLineEnds: 'refuse' }) },
    })
    take('DATA\r\nab\r\n.\r\nDATA\r\na\n\r\n.\r\nNOOP\r\n')
    expect(log).toEqual(['too large', 'lone line end', 'NOOP'])
  })
})

describe('violations', () => {
  test('a line too long or with a lone line end is refused, the next one is taken', () => {
    const { take, log, writes } = talk()
    take(`${'a'.repeat(1_001)}\r\nNOOP\nRSET\r\nNOOP\r\n`)
    expect(log).toEqual(['violation 500 5.5.2', 'violation 500 5.5.2', 'NOOP'])
    expect(writes).toEqual([
      '500 5.5.2 line too long\r\n500 5.5.2 lines must end in <CR><LF>\r\n250 ok\r\n',
    ])
  })

  test('a line without end closes', () => {
    const { take, log, writes } = talk()
    take('a'.repeat(70_000))
    expect(writes).toEqual(['500 5.5.2 line too long\r\n'])
    expect(log).toEqual(['violation 500 5.5.2', 'end'])
  })

  test.each([500, 501, 502, 503, 504])('twenty replies %i are one too many', (code) => {
    const { take, log, writes } = talk({ answers: { command: () => ({ code, text: 'no' }) } })
    take('A\r\n'.repeat(19))
    expect(log).toEqual([])
    take('A\r\n'.repeat(5))
    expect(writes.join('')).toBe(`${`${code} no\r\n`.repeat(19)}421 4.7.0 too many errors\r\n`)
    expect(log).toEqual(['violation 421 4.7.0', 'end'])
  })

  test('replies of policy are no errors of the client', () => {
    const { take, log } = talk({
      maxBadCommands: 2,
      answers: { command: () => ({ code: 550, text: 'no' }) },
    })
    take('A\r\n'.repeat(50))
    expect(log).toEqual([])
  })

  test('errors are counted anew after a message', () => {
    const { take, log } = talk({
      maxBadCommands: 2,
      answers: { command: () => ({ code: 500, text: 'no' }) },
    })
    take(`A\r\nDATA\r\n.\r\nA\r\n`)
    expect(log).toEqual([''])
    take('A\r\n')
    expect(log).toEqual(['', 'violation 421 4.7.0', 'end'])
  })

  test.each(['GET / HTTP/1.1', 'POST /x HTTP/1.0', 'CONNECT a:25 HTTP/1.1', 'options * HTTP/1.1'])(
    '%j as first command closes at once',
    (line) => {
      const { take, log, writes } = talk()
      take(`${line}\r\nHost: x\r\n\r\nMAIL FROM:<>\r\n`)
      expect(writes).toEqual(['421 4.7.0 this is not an HTTP server\r\n'])
      expect(log).toEqual(['violation 421 4.7.0', 'end'])
    },
  )

  test('random octets are answered with errors only, and not for long', () => {
    let seed = 1
    const octets = Array.from({ length: 300_000 }, () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return String.fromCharCode((seed >> 16) & 255)
    })
    const { take, log, writes } = talk({
      answers: { command: () => ({ code: 500, text: 'no' }) },
    })
    take(octets.join(''))
    expect(log.at(-1)).toBe('end')
    expect(writes.join('')).toMatch(/^(?:500 [^\r]*\r\n)*(?:421 [^\r]*\r\n)?$/)
  })

  test('a Conversation that raises at one is reported', () => {
    const bug = new Error('bug')
    const { take, writes, reports } = talk({
      answers: {
        violation() {
          throw bug
        },
      },
    })
    take('a\rb\r\n')
    expect(writes).toEqual(['500 5.5.2 lines must end in <CR><LF>\r\n'])
    expect(reports).toEqual([bug])
  })
})

describe('dismissal', () => {
  const leave: Reply = { code: 421, enhanced: '4.3.2', text: 'leave' }

  test('of an idle client is at once', () => {
    const { take, dismiss, log, writes } = talk()
    take('NOOP\r\nNO')
    dismiss(leave)
    dismiss(leave)
    take('OP\r\n')
    expect(writes).toEqual(['250 ok\r\n', '421 4.3.2 leave\r\n'])
    expect(log).toEqual(['NOOP', 'end'])
  })

  test('waits for the answer to a command, and later commands do not run', async () => {
    const answer = later<Reply>()
    const { take, dismiss, writes, log } = talk({ answers: { command: () => answer.promise } })
    take('A\r\nB\r\n')
    dismiss(leave)
    await settled()
    expect(writes).toEqual([])
    answer.give(OK)
    await settled()
    expect(writes).toEqual(['250 ok\r\n421 4.3.2 leave\r\n'])
    expect(log).toEqual(['end'])
  })

  test('waits for the end of a message', () => {
    const { take, dismiss, writes } = talk()
    take('DATA\r\nabc')
    dismiss(leave)
    expect(writes).toEqual(['354 end data with <CR><LF>.<CR><LF>\r\n'])
    take('\r\n.\r\nNOOP\r\n')
    expect(writes[1]).toBe('250 ok\r\n421 4.3.2 leave\r\n')
  })

  test('by the Conversation itself follows its reply', () => {
    const { take, dismiss, writes } = talk({
      answers: {
        command() {
          dismiss(leave)
          return OK
        },
      },
    })
    take('A\r\nB\r\n')
    expect(writes).toEqual(['250 ok\r\n421 4.3.2 leave\r\n'])
  })
})

describe('TLS', () => {
  const facts = { version: 'TLSv1.3', cipher: 'x', bits: 128, peer: undefined }

  test('that is refused after the handshake says so and ends', () => {
    const refusal: Reply = { code: 421, enhanced: '4.7.0', text: 'not you' }
    const { secured, writes, log } = talk({ answers: { secured: () => refusal } })
    secured(facts)
    expect(writes).toEqual(['421 4.7.0 not you\r\n'])
    expect(log).toEqual(['end'])
  })

  test('that is judged when the client has gone brings no greeting', async () => {
    const answer = later<undefined>()
    let greetings = 0
    const { secured, stop } = talk({
      answers: {
        implicitTls: {} as never,
        greet() {
          greetings++
          return OK
        },
        secured: () => answer.promise,
      },
    })
    secured(facts)
    stop()
    answer.give(undefined)
    await settled()
    expect(greetings).toBe(0)
  })

  test('input waits until it is judged', async () => {
    const answer = later<undefined>()
    const { secured, take, log } = talk({ answers: { secured: () => answer.promise } })
    secured(facts)
    take('NOOP\r\n')
    answer.give(undefined)
    await settled()
    expect(log).toEqual(['NOOP'])
  })
})

test('the time for data begins anew with each message, and ends with it', () => {
  vi.useFakeTimers()
  try {
    const { take, log } = talk()
    const dawdle = (octets: string, seconds: number): void => {
      for (let gone = 0; gone < seconds; gone += 10) {
        take(octets)
        vi.advanceTimersByTime(10_000)
      }
    }
    take('DATA\r\n')
    dawdle('x', 50)
    take('\r\n.\r\n')
    dawdle('NOOP\r\n', 100)
    take('DATA\r\n')
    dawdle('x', 50)
    expect(log.filter((line) => line !== 'NOOP')).toEqual(['xxxxx\r\n'])
    dawdle('x', 10)
    expect(log.slice(-2)).toEqual(['violation 421 4.4.2', 'end'])
  } finally {
    vi.useRealTimers()
  }
})
