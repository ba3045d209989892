import { describe, expect, test } from 'vitest'
import { telemetrySettings } from '../../src/telemetry/settings.ts'

function read(environment: Record<string, string>) {
  const warnings: string[] = []
  const settings = telemetrySettings(environment, (text) => warnings.push(text))
  return { settings, warnings }
}

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

describe('traces are off', () => {
  test.each<Record<string, string>>([
    {},
    { OTEL_SERVICE_NAME: 'x' },
    { ...ENDPOINT, OTEL_SDK_DISABLED: 'true' },
    { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' },
  ])('%j', (environment) => {
    expect(read(environment)).toEqual({ settings: undefined, warnings: [] })
  })

  test.each([
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' },
      'OTEL_EXPORTER_OTLP_ENDPOINT: expected an http or https URL',
    ],
    [
      { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'zipkin' },
      'OTEL_TRACES_EXPORTER: zipkin is not supported: expected otlp or none',
    ],
  ])('%j, with a warning', (environment, warning) => {
    expect(read(environment)).toEqual({ settings: undefined, warnings: [warning] })
  })
})

describe('traces are on', () => {
  test.each([
    [{ OTEL_TRACES_EXPORTER: 'otlp' }, 'http://localhost:4318/v1/traces'],
    [ENDPOINT, 'http://collector:4318/v1/traces'],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c.example/otlp/' },
      'https://c.example/otlp/v1/traces',
    ],
    [{ ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/here' }, 'http://t:1/here'],
  ])('%j go to %s', (environment, url) => {
    expect(read(environment).settings?.url.href).toBe(url)
  })

  test('with defaults', () => {
    const { settings, warnings } = read(ENDPOINT)
    expect(warnings).toEqual([])
    expect(settings).toMatchObject({
      headers: {},
      timeoutMs: 10_000,
      resource: { 'service.name': 'eachrcpt' },
      sampler: { isParentBased: true, ratio: 1 },
      delayMs: 5_000,
      batchSize: 512,
      queueSize: 2_048,
    })
  })

  test('as the variables say', () => {
    const { settings, warnings } = read({
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%20b, x=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x=2',
      OTEL_EXPORTER_OTLP_TIMEOUT: '5000',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,deployment.environment=test',
      OTEL_SERVICE_NAME: 'mail',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10',
      OTEL_BSP_MAX_QUEUE_SIZE: '20',
    })
    expect(warnings).toEqual([])
    expect(settings).toMatchObject({
      headers: { 'api-key': 'a b', x: '2' },
      timeoutMs: 5_000,
      resource: { 'service.name': 'mail', 'deployment.environment': 'test' },
      sampler: { isParentBased: false, ratio: 0.25 },
      delayMs: 100,
      batchSize: 10,
      queueSize: 20,
    })
  })

  test.each([
    [
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      'OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not supported: traces go as http/json',
    ],
    [
      { OTEL_TRACES_SAMPLER: 'jaeger_remote' },
      'OTEL_TRACES_SAMPLER: jaeger_remote is not supported: all is sampled',
    ],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' },
      'OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1',
    ],
    [{ OTEL_BSP_SCHEDULE_DELAY: 'soon' }, 'OTEL_BSP_SCHEDULE_DELAY: expected a whole number'],
  ])('%j is warned about', (environment, warning) => {
    const { settings, warnings } = read({ ...ENDPOINT, ...environment })
    expect(settings).toBeDefined()
    expect(warnings).toEqual([warning])
  })
})
