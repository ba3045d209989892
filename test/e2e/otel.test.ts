// Traces as a collector gets them: OTLP over HTTP, by a sink of our own.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { send, sendOne, serverPerTest } from '../support/server.ts'

const start = serverPerTest()

interface Received {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly facts: Readonly<Record<string, unknown>>
  readonly status?: { readonly code: number; readonly message: string }
  readonly links?: readonly { readonly traceId: string }[]
}

interface CollectorSink {
  readonly environment: Readonly<Record<string, string>>
  readonly requests: { readonly path: string; readonly headers: Record<string, unknown> }[]
  /** By name; when there are that many in all. */
  spans(count: number): Promise<Map<string, Received[]>>
}

async function startCollector(): Promise<CollectorSink> {
  const spans: Received[] = []
  const requests: CollectorSink['requests'] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers })
      spans.push(...spansOf(Buffer.concat(chunks).toString()))
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return {
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=secret',
      OTEL_BSP_SCHEDULE_DELAY: '10',
    },
    requests,
    async spans(count) {
      await expect.poll(() => spans.length).toBeGreaterThanOrEqual(count)
      const byName = new Map<string, Received[]>()
      for (const span of spans) byName.set(span.name, [...(byName.get(span.name) ?? []), span])
      return byName
    },
  }
}

interface Request {
  resourceSpans: {
    scopeSpans: {
      spans: (Omit<Received, 'facts'> & {
        attributes: { key: string; value: Record<string, unknown> }[]
      })[]
    }[]
  }[]
}

function spansOf(body: string): Received[] {
  const { resourceSpans } = JSON.parse(body) as Request
  return resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .map(({ attributes, ...span }) => ({
      ...span,
      facts: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
    }))
}

test('a session, its message, the spool and the deliveries are one trace', async () => {
  const collector = await startCollector()
  const policy = `
    local mod = {}
    function mod:validate_ehlo(str, ac, vctx) return msys.core.VALIDATE_CONT end
    function mod:validate_data_spool_each_rcpt(msg, ac, vctx)
      msg:context_set(msys.core.ECMESS_CTX_MESS, "a", "1")
      return msys.core.VALIDATE_CONT
    end
    msys.registerModule("autumn", mod)`
  const server = await start({ environment: collector.environment, policy: { autumn: policy } })
  await sendOne(server, ['a@rcpt.example', 'b@rcpt.example'])
  const spans = await collector.spans(8)
  const [session] = spans.get('smtp.session') ?? []
  const [message] = spans.get('smtp.message') ?? []
  const [write] = spans.get('spool.write') ?? []
  const attempts = spans.get('delivery.attempt') ?? []
  expect(session?.parentSpanId).toBeUndefined()
  expect(session?.facts).toMatchObject({
    'eachrcpt.messages': '1',
    'network.peer.address': '127.0.0.1',
  })
  expect(message?.parentSpanId).toBe(session?.spanId)
  expect(message?.facts).toMatchObject({ 'eachrcpt.recipients': '2', 'smtp.reply.code': '250' })
  expect(write?.parentSpanId).toBe(message?.spanId)
  expect(
    attempts.map(({ parentSpanId, facts }) => [parentSpanId, facts['eachrcpt.outcome']]),
  ).toEqual(Array(2).fill([message?.spanId, 'delivered']))
  const hooks = spans.get('policy.hook') ?? []
  expect(hooks.map(({ parentSpanId, facts }) => [parentSpanId, facts])).toEqual([
    [session?.spanId, hookFacts('validate_ehlo', '0')],
    [message?.spanId, hookFacts('validate_data_spool_each_rcpt', '1')],
    [message?.spanId, hookFacts('validate_data_spool_each_rcpt', '1')],
  ])
  for (const each of [session, message, write, ...hooks, ...attempts]) {
    expect(each?.traceId).toBe(session?.traceId)
    expect(BigInt(each?.endTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(
      BigInt(each?.startTimeUnixNano ?? 1),
    )
    expect(each?.status).toBeUndefined()
  }
  expect(collector.requests[0]?.path).toBe('/v1/traces')
  expect(collector.requests[0]?.headers).toMatchObject({
    'content-type': 'application/json',
    'api-key': 'secret',
  })
})

function hookFacts(hook: string, changes: string) {
  return {
    'eachrcpt.hook': hook,
    'eachrcpt.script': 'autumn',
    'eachrcpt.return': 'CONT',
    'eachrcpt.context_changes': changes,
  }
}

test('what fails says so', async () => {
  const collector = await startCollector()
  const policy =
    'local m = {} function m:validate_data() error("no") end msys.registerModule("m", m)'
  const server = await start({ environment: collector.environment, policy: { m: policy } })
  await sendOne(server, ['a@rcpt.example'])
  const spans = await collector.spans(3)
  expect(spans.get('policy.hook')?.[0]?.status?.message).toMatch(/^error: .*no$/)
  const [message] = spans.get('smtp.message') ?? []
  expect(message?.status).toEqual({
    code: 2,
    message: 'mail.test temporary issue, please retry your message later',
  })
})

test('a client that traces gives its trace by XSETCONTEXT, and its decision holds', async () => {
  const collector = await startCollector()
  const server = await start({
    environment: { ...collector.environment, OTEL_TRACES_SAMPLER: 'parentbased_always_off' },
    listener: 'smtp_extensions = ( XSETCONTEXT )',
  })
  await sendOne(server, ['unsampled@rcpt.example'])
  const wire = await server.dial()
  await wire.expect('220')
  await wire.ask('EHLO client.example', '250')
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
  await wire.ask(`XSETCONTEXT traceparent=00-${traceId}-00f067aa0ba902b7-01`, '250')
  await send(wire, ['a@rcpt.example'])
  await wire.ask('QUIT', '221')
  wire.end()
  const spans = await collector.spans(3)
  expect([...spans.keys()].toSorted()).toEqual(['delivery.attempt', 'smtp.message', 'spool.write'])
  expect([...spans.values()].flat().map((span) => span.traceId)).toEqual(Array(3).fill(traceId))
  expect(spans.get('smtp.message')?.[0]?.parentSpanId).toBe('00f067aa0ba902b7')
})

test('without an endpoint no context variable is set and nobody is asked', async () => {
  const seen: string[] = []
  const server = await start({
    environment: {},
    onAccepted: ({ entry }) => seen.push(...Object.keys(entry.context.message)),
  })
  await sendOne(server, ['a@rcpt.example'])
  expect(seen).not.toContain('traceparent')
  expect(seen).toContain('mailfrom_domain')
})
