// Metrics of a server that was used, as Prometheus reads them.
import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { expositionOf } from '../../src/metrics/exposition.ts'
import { hasPromtool, promtool } from '../support/promtool.ts'
import {
  copyFor,
  send,
  sendOne,
  serverPerTest,
  type TestServer,
  trackedPaths,
} from '../support/server.ts'

const start = serverPerTest()

const POLICY = `
  local mod = {}
  function mod:validate_rcptto(msg, str, ac, vctx)
    if string.find(tostring(str), "broken@") then error("no") end
    if string.find(tostring(str), "loop@") then while true do end end
    if string.find(tostring(str), "denied@") then vctx:set_code(550, "5.7.1 not you") end
    return msys.core.VALIDATE_CONT
  end
  function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
    pcall(msys.av.scan, msg)
    return msys.core.VALIDATE_CONT
  end
  msys.registerModule("autumn", mod)`

/** The lines of these metrics, comments left out. */
function linesOf(test: TestServer, ...names: string[]): string[] {
  const own = names.map((name) => `eachrcpt_${name}`)
  return expositionOf(test.server.metrics())
    .split('\n')
    .filter((line) =>
      own.some((name) => line.startsWith(`${name}{`) || line.startsWith(`${name} `)),
    )
}

async function use(test: TestServer): Promise<void> {
  const wire = await test.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  await wire.ask('WHAT', '500')
  await send(wire, ['a@rcpt.example', 'b@rcpt.example'])
  await wire.ask('MAIL FROM:<news@sender.example>', '250')
  await wire.ask('RCPT TO:<denied@rcpt.example>', '550')
  await wire.ask('RCPT TO:<broken@rcpt.example>', '421')
  await wire.ask('RCPT TO:<loop@rcpt.example>', '421')
  await wire.ask('QUIT', '221')
  await wire.ended
  await test.events(7)
}

const OPTIONS = {
  policy: { autumn: POLICY },
  listener: 'click_tracking_enabled = true',
  more: 'scriptlet "scriptlet" { callout_cpu_ms = 20 }',
}

test('what a server does is counted', async () => {
  const server = await start(OPTIONS)
  await use(server)
  expect(linesOf(server, 'smtp_connections_total')).toEqual([
    'eachrcpt_smtp_connections_total{listener="127.0.0.1:0",result="accepted"} 1',
  ])
  expect(linesOf(server, 'smtp_commands_total')).toEqual([
    'eachrcpt_smtp_commands_total{command="CONNECT",code="220"} 1',
    'eachrcpt_smtp_commands_total{command="EHLO",code="250"} 1',
    'eachrcpt_smtp_commands_total{command="OTHER",code="500"} 1',
    'eachrcpt_smtp_commands_total{command="MAIL",code="250"} 2',
    'eachrcpt_smtp_commands_total{command="RCPT",code="250"} 2',
    'eachrcpt_smtp_commands_total{command="DATA",code="354"} 1',
    'eachrcpt_smtp_commands_total{command="END-OF-DATA",code="250"} 1',
    'eachrcpt_smtp_commands_total{command="RCPT",code="550"} 1',
    'eachrcpt_smtp_commands_total{command="RCPT",code="421"} 2',
    'eachrcpt_smtp_commands_total{command="QUIT",code="221"} 1',
  ])
  expect(linesOf(server, 'messages_received_total', 'recipients_received_total')).toEqual([
    'eachrcpt_messages_received_total 1',
    'eachrcpt_recipients_received_total 2',
  ])
  expect(linesOf(server, 'messages_rejected_total')).toEqual([
    'eachrcpt_messages_rejected_total{stage="awaiting rcptto",code="550"} 1',
    'eachrcpt_messages_rejected_total{stage="awaiting rcptto",code="421"} 2',
  ])
  expect(
    linesOf(server, 'policy_hook_seconds_count', 'policy_hook_started_total').toSorted(),
  ).toEqual([
    'eachrcpt_policy_hook_seconds_count{hook="validate_data_spool_each_rcpt",script="autumn"} 2',
    'eachrcpt_policy_hook_seconds_count{hook="validate_rcptto",script="autumn"} 5',
    'eachrcpt_policy_hook_started_total{hook="validate_data_spool_each_rcpt",script="autumn"} 2',
    'eachrcpt_policy_hook_started_total{hook="validate_rcptto",script="autumn"} 5',
  ])
  expect(linesOf(server, 'policy_errors_total')).toEqual([
    'eachrcpt_policy_errors_total{hook="validate_rcptto",script="autumn",kind="error"} 1',
    'eachrcpt_policy_errors_total{hook="validate_rcptto",script="autumn",kind="timeout"} 1',
  ])
  expect(linesOf(server, 'policy_unsupported_calls_total')).toEqual([
    'eachrcpt_policy_unsupported_calls_total{function="msys.av.scan"} 2',
  ])
  expect(linesOf(server, 'deliveries_total', 'delivery_seconds_count')).toEqual([
    'eachrcpt_deliveries_total{result="delivered",stage="9"} 2',
    'eachrcpt_delivery_seconds_count 2',
  ])
  expect(linesOf(server, 'message_accept_seconds_count', 'spool_write_seconds_count')).toEqual([
    'eachrcpt_message_accept_seconds_count 1',
    'eachrcpt_spool_write_seconds_count 1',
  ])
  expect(linesOf(server, 'spool_messages', 'spool_entries', 'ready')).toEqual([
    'eachrcpt_spool_entries 0',
    'eachrcpt_spool_messages{state="active"} 0',
    'eachrcpt_spool_messages{state="delayed"} 0',
    'eachrcpt_ready 1',
  ])
})

test('hits, links of nobody and reloads are counted', async () => {
  const server = await start({ listener: 'click_tracking_enabled = true' })
  await sendOne(server, ['a@rcpt.example'])
  const [path = ''] = trackedPaths(await copyFor(server, 'a@rcpt.example'))
  const headers = { 'user-agent': 'Googlebot/2.1' }
  await fetch(server.httpUrl + path, { redirect: 'manual', headers })
  await fetch(`${server.httpUrl}/f/a/nobody/knows`, { redirect: 'manual' })
  await server.reload((text) => text)
  await server.reload((text) => `${text}\nbroken`)
  expect(linesOf(server, 'tracking_events_total', 'tracking_rejected_total')).toEqual([
    'eachrcpt_tracking_rejected_total{reason="foreign"} 1',
    'eachrcpt_tracking_events_total{type="click",bot="yes"} 1',
  ])
  expect(linesOf(server, 'tracking_http_seconds_count', 'policy_reload_total')).toEqual([
    'eachrcpt_policy_reload_total{result="ok"} 1',
    'eachrcpt_policy_reload_total{result="failed"} 1',
    'eachrcpt_tracking_http_seconds_count 2',
  ])
})

test('what waits is told by way out, never by domain', async () => {
  const wayOut =
    'gateway = "127.0.0.1:1" domain "kept.example" { maildir = "m" suspend_delivery = true }'
  const server = await start({ wayOut })
  await sendOne(server, ['a@one.example', 'b@two.example', 'c@kept.example'])
  await server.events(4)
  expect(linesOf(server, 'queue_depth').toSorted()).toEqual([
    'eachrcpt_queue_depth{route="127.0.0.1:1"} 2',
    'eachrcpt_queue_depth{route="maildir"} 1',
  ])
  expect(linesOf(server, 'spool_entries', 'deliveries_total').toSorted()).toEqual([
    'eachrcpt_deliveries_total{result="deferred",stage="0"} 1',
    'eachrcpt_spool_entries 1',
  ])
})

test('a server on its way down is not ready', async () => {
  const { server } = await start()
  expect(server.notReady()).toBeUndefined()
  const closed = server.close()
  expect(server.notReady()).toBe('shutting down')
  await closed
})

describe('GET /metrics', () => {
  test('is not there unless it is asked for', async () => {
    const server = await start()
    expect((await fetch(`${server.httpUrl}/metrics`)).status).toBe(404)
  })

  test.skipIf(!hasPromtool)('is what promtool reads without complaint', async () => {
    const server = await start({ ...OPTIONS, more: `${OPTIONS.more} ${SERVED}` })
    await use(server)
    const port = server.server.http[1]?.port
    const response = await fetch(`http://127.0.0.1:${port}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(promtool(['check', 'metrics'], await response.text())).toBe('')
  })

  test('is not read by a web page through a name of its own', async () => {
    const server = await start({ more: SERVED })
    const { port = 0 } = server.server.http[1] ?? {}
    expect(await statusFor(port, 'evil.example')).toBe(404)
    expect(await statusFor(port, `localhost:${port}`)).toBe(200)
  })

  test('is for loopback', async () => {
    const more = 'http_listener "m" { listen "0.0.0.0:0" {} serve_metrics = true }'
    await expect(start({ more })).rejects.toThrow('"serve_metrics": metrics are for loopback')
  })
})

const SERVED = 'http_listener "m" { listen "127.0.0.1:0" {} serve_metrics = true }'

/** Fetch would not send another Host. */
function statusFor(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ port, path: '/metrics', headers: { host } }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    asked.on('error', reject).end()
  })
}
