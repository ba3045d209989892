// A policy played without a server: what the result of a rehearsal says.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfiguration } from '../../src/rehearsal/configuration.ts'
import { openRehearsal, rehearse, type SessionScript } from '../../src/rehearsal/rehearsal.ts'
import type { SessionResult } from '../../src/rehearsal/result.ts'

const ROOT = new URL('../../', import.meta.url).pathname
const searchPath = [join(ROOT, 'policy'), join(ROOT, 'lua')]
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eachrcpt-rehearsal-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Plays a session under a policy made of callouts. */
async function play(lua: string, script: Partial<SessionScript>, text?: string) {
  const path = join(folder, 'p.lua')
  await writeFile(path, `local mod = {}\n${lua}\nmsys.registerModule("p", mod)\n`)
  const { config } = readConfiguration({ scripts: [path], searchPath, ...(text && { text }) })
  const rehearsal = await openRehearsal({ config })
  try {
    return await rehearse(rehearsal, { mails: [mail()], ...script })
  } finally {
    await rehearsal.close()
  }
}

function mail(rcpttos = ['anna@a.example'], message = 'Subject: a\r\n\r\nhello\r\n') {
  return { mailfrom: 'news@s.example', rcpttos, message: Buffer.from(message, 'latin1') }
}

function verdicts({ transactions: [first] }: SessionResult): string[] {
  return (first?.recipients ?? []).map(
    ({ rcptto, verdict, reply }) => `${rcptto} ${verdict} ${reply.code}`,
  )
}

describe('a rehearsal', () => {
  test('gives each recipient of the newsletter what the policy makes of it', async () => {
    const { config } = readConfiguration({
      scripts: [join(ROOT, 'examples/newsletter.lua')],
      searchPath,
    })
    const message = await readFile(join(ROOT, 'examples/newsletter.eml'))
    const run = async () => {
      const rehearsal = await openRehearsal({ config })
      const rcpttos = ['ben@partner.example', 'carol@privacy.example', 'anna@customer.example']
      const result = await rehearse(rehearsal, { mails: [{ ...mail(rcpttos), message }] })
      await rehearsal.close()
      return result
    }
    const result = await run()
    const [first] = result.transactions
    const [ben, carol, anna] = first?.recipients ?? []
    expect(verdicts(result)).toEqual([
      'ben@partner.example accepted 250',
      'carol@privacy.example accepted 250',
      'anna@customer.example accepted 250',
    ])
    expect(carol?.copy?.after.message).toMatchObject({ smtpapi_click_tracking: '0' })
    expect(carol?.copy?.content.body.equals(first?.received.body ?? Buffer.alloc(0))).toBe(true)
    expect(ben?.copy?.content.header.toString()).toContain('X-Audience: partner\r\n')
    expect(ben?.copy?.tracking?.pixels).toEqual([])
    expect(anna?.copy?.tracking?.pixels.map(({ action }) => action)).toEqual(['open'])
    const order = anna?.copy?.tracking?.links.find(({ target }) => target.includes('/order?'))
    expect(order?.tracked?.facts).toMatchObject({
      rcptTo: 'anna@customer.example',
      campaignId: 'autumn-customer.example',
      tags: ['customer', 'autumn'],
      metadata: { account: 'anna' },
    })
    expect(anna?.copy?.bytes?.toString('latin1')).toContain(order?.tracked?.url.slice(0, 20))
    expect(result.logs.mainlog).toHaveLength(3)
    expect(result.events).toHaveLength(3)
    expect(await run()).toEqual(result)
  })

  test('tells recipients apart that are refused, discarded, removed, added', async () => {
    const result = await play(
      `function mod:validate_rcptto(msg, str, ac, vctx)
         if msg:rcptto() == "r@r.example" then vctx:set_code(550, "no such user") end
         return msys.core.VALIDATE_CONT
       end
       function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
         if msg:rcptto() == "d@r.example" then msg:discard("550 5.7.1 [internal] spam") end
         if msg:rcptto() == "x@r.example" then vctx:set_code(554, "not you") end
         return msys.core.VALIDATE_CONT
       end`,
      { mails: [mail(['r@r.example', 'a@r.example', 'd@r.example', 'x@r.example'])] },
    )
    expect(verdicts(result)).toEqual([
      'r@r.example refused 550',
      'a@r.example accepted 250',
      'd@r.example discarded 250',
      'x@r.example refused 554',
    ])
    const [first] = result.transactions
    expect(first?.recipients[2]?.reason).toBe('550 5.7.1 [internal] spam')
    expect(first?.recipients.map(({ copy }) => copy?.bytes !== undefined)).toEqual([
      false,
      true,
      false,
      false,
    ])
    expect(first?.sent.map(({ kind, rcptto }) => `${kind} ${rcptto}`)).toEqual([
      'notification news@s.example',
    ])
    expect(result.logs.rejectlog).toHaveLength(3)
  })

  test('shows a temporary refusal as that of every recipient', async () => {
    const result = await play(
      `function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
         if msg:rcptto() == "a@r.example" then msg:discard("550 5.7.1 [internal] spam") end
         if msg:rcptto() == "b@r.example" then error("oops") end
         return msys.core.VALIDATE_CONT
       end`,
      { mails: [mail(['a@r.example', 'b@r.example', 'c@r.example'])] },
    )
    expect(verdicts(result)).toEqual([
      'a@r.example refused 421',
      'b@r.example failed 421',
      'c@r.example refused 421',
    ])
    expect(result.logs.paniclog.join('\n')).toMatch(/p\.lua:4: oops/)
  })

  test('begins with the facts of its client', async () => {
    const result = await play(
      `function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
         local C, M = msys.core.ECMESS_CTX_CONN, msys.core.ECMESS_CTX_MESS
         msg:header("X-Seen", table.concat({ vctx:get(C, "who"), vctx:get(M, "what"),
           vctx:get(C, "auth_user"), vctx:get(C, "tls"), vctx:get(C, "ehlo_domain"), os.time() }, " "))
         return msys.core.VALIDATE_CONT
       end`,
      {
        peer: '192.0.2.7',
        helo: 'me.example',
        context: { who: 'w' },
        messageContext: { what: 'm' },
        authUser: 'u',
        tls: true,
      },
    )
    const [first] = result.transactions
    expect(result.auth?.code).toBe(235)
    expect(first?.recipients[0]?.copy?.content.header.toString()).toMatch(
      /X-Seen: w m u on me\.example 1767225600\r\n/,
    )
  })

  test('ends where policy refuses its TLS', async () => {
    const result = await play(
      `function mod:core_inbound_smtp_tls_post_accept(mc) mc.ctx.code = 450 mc.ctx.disconnect = 1 end`,
      { tls: true },
    )
    expect(result.greeting).toEqual({ code: 421, text: '4.7.0 TLS Negotiation failed.' })
    expect(result.transactions).toEqual([])
  })

  test('moves its clock on where policy makes the client wait', async () => {
    const result = await play(
      `function mod:validate_connect(ac, vctx) vctx:tarpit(30) return msys.core.VALIDATE_CONT end
       function mod:validate_mailfrom(str, ac, vctx)
         vctx:set_code(250, tostring(os.time())) return msys.core.VALIDATE_CONT
       end`,
      {},
    )
    expect(result.transactions[0]?.mailfrom).toEqual({ code: 250, text: '1767225630' })
  })

  test('gives what policy sends beside the message', async () => {
    const result = await play(
      `function mod:validate_data_spool(msg, ac, vctx)
         msys.core.ec_message_new = nil
         local out = msg:copy()
         out:inject("me@s.example", "you@y.example")
         return msys.core.VALIDATE_CONT
       end`,
      {},
    )
    const [first] = result.transactions
    expect(first?.sent.map(({ kind, mailfrom, rcptto }) => [kind, mailfrom, rcptto])).toEqual([
      ['by policy', 'me@s.example', 'you@y.example'],
    ])
    expect(first?.sent[0]?.bytes.toString()).toContain('hello\r\n')
  })

  test('sends lines that end in LF as mail clients do', async () => {
    const result = await play('', { mails: [mail(undefined, 'Subject: a\n\n.x\n')] })
    expect(result.transactions[0]?.received.body.toString()).toBe('.x\r\n')
    expect(result.transactions[0]?.recipients[0]?.copy?.bytes?.toString()).toMatch(
      /\r\n\r\n\.x\r\n$/,
    )
  })

  test('refuses by the configuration, like the server', async () => {
    const config = 'relay_domains = ( a.example )\nesmtp_listener { listen ":25" {} }'
    const result = await play('', { mails: [mail(['a@a.example', 'b@b.example'])] }, config)
    expect(verdicts(result)).toEqual(['a@a.example accepted 250', 'b@b.example refused 550'])
  })

  test('plays several mails in one session, step by step', async () => {
    const { config } = readConfiguration({ searchPath })
    const rehearsal = await openRehearsal({ config })
    const session = await rehearsal.connect()
    expect(session.greeting.code).toBe(220)
    expect((await session.say('EHLO a.example')).text).toContain('PIPELINING')
    expect((await session.say('XSETCONTEXT cust_a=1')).code).toBe(250)
    const first = await session.transact(mail())
    const second = await session.transact({ ...mail(), mailfrom: '' })
    expect(first.recipients[0]?.copy?.after.connection).toMatchObject({ cust_a: '1' })
    expect(second.reply.text).toBe('2.0.0 OK 00/00-1-00000005')
    await session.close()
    expect(session.isClosed).toBe(true)
    await rehearsal.close()
  })
})
