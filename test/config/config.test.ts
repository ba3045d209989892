import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'

const folder = mkdtempSync(join(tmpdir(), 'config-'))
afterAll(() => rmSync(folder, { recursive: true }))

function load(text: string): ReturnType<typeof parseConfig> {
  return parseConfig(text, 'f.conf', {
    lenient: false,
    defaultHostname: 'host.example',
    folder,
    searchPath: ['/search'],
  })
}

function config(text: string): Config {
  return load(text).config
}

function keys(dictionary: string): Config['tracking']['keys'] {
  return config(`engagement_tracker { tracking_keys = ${dictionary} }`).tracking.keys
}

describe('an empty configuration', () => {
  test('has the defaults and no listener', () => {
    const { outbound, bindings, live, ...rest } = config('')
    expect(bindings.names).toEqual(['default'])
    expect(outbound('x').maildir).toBeUndefined()
    expect(live.lookUp(['hostname'], 'get').kind).toBe('unset')
    expect(rest).toEqual({
      hostname: 'host.example',
      spoolbase: '/var/spool/ecelerity',
      inboundAudit: { monitors: [], serializeDir: undefined, maintenanceSeconds: 300 },
      datasources: [],
      dnsServers: [],
      signers: [],
      shutdownGraceSeconds: 5,
      traceSmtpMode: 0o640,
      control: { paths: ['/var/spool/ecelerity/control'], pages: [], token: undefined },
      spoolMinFreeBytes: 268_435_456,
      spoolMinFreeInodes: 1_000,
      smtp: [],
      http: [],
      scriptlet: {
        scripts: [],
        calloutCpuMs: 500,
        calloutWallMs: 60_000,
        calloutAllocMb: 256,
        maxStringMb: 64,
        onBadReturn: 'continue',
        searchPath: [folder, '/search'],
        fileRoots: [],
        httpAllow: [],
        scriptPathMap: new Map(),
        scriptEnvironment: ['HOME', 'HOSTNAME', 'LANG', 'LOGNAME', 'PATH', 'PWD', 'TZ', 'USER'],
      },
      tracking: {
        includeMetadata: true,
        maxMetadataLen: 1000,
        appleAppSiteAssociation: undefined,
        assetlinks: undefined,
        deniedCustomers: [],
        deniedMessages: [],
        hitsPerMinute: 0,
        legacyOrigin: undefined,
        growthLimit: 40_960,
        keys: [],
      },
      smtpapi: undefined,
      spf: undefined,
      spamassassin: undefined,
      logger: undefined,
      bounceLogger: undefined,
      eventHydrant: undefined,
      webhooks: [],
      workers: 1,
      workerTimeoutSeconds: 10,
      redis: undefined,
      maxEventBacklog: 1_073_741_824,
    })
  })
})

describe('paths', () => {
  test.each([
    ['spool', `${folder}/spool`],
    ['./a/../b', `${folder}/b`],
    ['/var/spool', '/var/spool'],
    ['file:///var/spool', '/var/spool'],
    ['k\xe4se', `${folder}/k\xe4se`],
  ])('spoolbase = %s', (path, expected) => {
    expect(config(`spoolbase = "${path}"`).spoolbase).toBe(expected)
  })

  test.each([
    ['logs/x.jlog', `${folder}/logs/x.jlog`],
    ['/x', '/x'],
    ['jlog:///var/log/x.rt=>consumer', '/var/log/x.rt'],
    ['jlog://x.rt', `${folder}/x.rt`],
    ['cluster:///x=>master', '/x'],
    ['', ''],
  ])('jlog_filename = %s', (path, expected) => {
    expect(config(`event_hydrant { jlog_filename = "${path}" }`).eventHydrant?.jlogFilename).toBe(
      expected,
    )
  })

  test('of scripts: search_path, then the folder of the configuration, then those passed', () => {
    expect(config('scriptlet { search_path = ( lua /opt/lua ) }').scriptlet.searchPath).toEqual([
      `${folder}/lua`,
      '/opt/lua',
      folder,
      '/search',
    ])
  })
})

describe('scriptlet', () => {
  test('has its scripts in the order of their stanzas, with their places', () => {
    const text = `scriptlet "s" { script b { source = "b" }\nscript a { source = "x.a" } }
      scriptlet "s" { script c { source = c } script b { source = bb } }`
    expect(config(text).scriptlet.scripts).toEqual([
      { name: 'b', source: 'bb', place: { file: 'f.conf', line: 1, column: 17 } },
      { name: 'a', source: 'x.a', place: { file: 'f.conf', line: 2, column: 1 } },
      { name: 'c', source: 'c', place: { file: 'f.conf', line: 3, column: 23 } },
    ])
  })

  test('says which files and variables scripts may read', () => {
    const { scriptlet } = config(`scriptlet {
      file_roots = ( data "/srv/lists" )
      script_path_map = [ "/opt/msys/ecelerity/etc" = "/etc/eachrcpt", "/opt/lists" = lists ]
      script_environment = ( TZ REGION )
    }`)
    expect(scriptlet.fileRoots).toEqual([join(folder, 'data'), '/srv/lists'])
    expect([...scriptlet.scriptPathMap]).toEqual([
      ['/opt/msys/ecelerity/etc', '/etc/eachrcpt'],
      ['/opt/lists', join(folder, 'lists')],
    ])
    expect(scriptlet.scriptEnvironment).toEqual(['TZ', 'REGION'])
  })

  test('with and without its usual name is one', () => {
    const text = `scriptlet { script a { source = a } callout_cpu_ms = 1 max_string_mb = 2 }
      scriptlet "scriptlet" { script b { source = b } callout_cpu_ms = 3 on_bad_return = TempFail }`
    expect(config(text).scriptlet).toMatchObject({
      scripts: [{ name: 'a' }, { name: 'b' }],
      calloutCpuMs: 3,
      maxStringMb: 2,
      onBadReturn: 'tempfail',
    })
  })

  test('runs nothing when it is not enabled', () => {
    expect(
      config('scriptlet { enabled = false script a { source = a } }').scriptlet.scripts,
    ).toEqual([])
  })

  test.each([
    ['scriptlet "a" {}\nscriptlet "b" {}', 'f.conf:2: a second scriptlet, "b": expected "a"'],
    [
      'scriptlet {\nscript "x" { } }',
      'f.conf:2: option "source": missing: expected source = "folder.file"',
    ],
    [
      'scriptlet { callout_cpu_ms = 0 }',
      'f.conf:1: option "callout_cpu_ms": expected a whole number, 1 or more, found "0"',
    ],
    [
      'scriptlet { script_path_map = [ etc = "/etc" ] }',
      'f.conf:1: option "script_path_map": expected a dictionary [ "/path/in/scripts" = "/path/here" … ]',
    ],
    [
      'scriptlet { on_bad_return = stop }',
      'f.conf:1: option "on_bad_return": expected one of continue, tempfail, found "stop"',
    ],
  ])('refuses %j', (text, message) => {
    expect(() => load(text)).toThrow(message)
  })
})

describe('loggers', () => {
  test('are there when their stanza is, with the defaults of Momentum', () => {
    const { logger, eventHydrant } = config('ec_logger {} event_hydrant {}')
    expect(logger).toEqual({
      enabled: true,
      mainlog: '/var/log/ecelerity/mainlog.ec',
      mainlogMode: 0o644,
      rejectlog: '/var/log/ecelerity/rejectlog.ec',
      rejectlogMode: 0o644,
      paniclog: '/var/log/ecelerity/paniclog.ec',
      paniclogMode: 0o644,
      acctlog: '/var/log/ecelerity/acctlog.ec',
      acctlogMode: 0o644,
      heartbeatSeconds: 60,
      receptions: true,
      deliveries: true,
      transientFailures: true,
      permanentFailures: true,
      rejections: true,
    })
    expect(eventHydrant).toMatchObject({ writeJlog: false, custPrefix: 'cust_', reception: true })
  })

  test('are not there when they are switched off', () => {
    expect(config('ec_logger { enabled = off }').logger).toBeUndefined()
    expect(config('smtpapi { enabled = off }').smtpapi).toBeUndefined()
    expect(config('smtpapi { debug_level = DEBUG }').smtpapi).toMatchObject({ debugLevel: 'debug' })
  })

  test.each([
    ['0666', 0o666],
    ['"640"', 0o640],
    ['0', 0],
  ])('read the mode %s as octal', (mode, expected) => {
    expect(config(`ec_logger { mainlog_mode = ${mode} }`).logger?.mainlogMode).toBe(expected)
  })

  test('refuse a mode that is not octal', () => {
    expect(() => load('ec_logger { mainlog_mode = 0689 }')).toThrow(
      'f.conf:1: option "mainlog_mode": expected an octal file mode such as 0644, found "0689"',
    )
  })

  test('of a second name are left out with a warning', () => {
    const { config, warnings } = load(
      'ec_logger "a" { heartbeat = 1 }\nec_logger "b" { heartbeat = 2 }',
    )
    expect(config.logger?.heartbeatSeconds).toBe(1)
    expect(warnings).toEqual([
      'f.conf:2: a second ec_logger, "b", is known but not supported yet: ignored',
    ])
  })
})

describe('tracking_keys', () => {
  const HEX = '000102030405060708090a0b0c0d0e0f'
  const OCTETS = Buffer.from(HEX, 'hex')

  test('reads hex, base64 and files, in order', () => {
    writeFileSync(join(folder, 'hex.key'), `${HEX}\n`)
    writeFileSync(join(folder, 'base64.key'), `${OCTETS.toString('base64')}\n`)
    writeFileSync(join(folder, 'raw.key'), Buffer.alloc(32, 0xfe))
    const text = `[ a = "${HEX}" b = ( "${OCTETS.toString('base64')}" Retired ) c = ( hex.key )
      d = ( base64.key denied ) e = "file://${folder}/raw.key" f = "${HEX.toUpperCase()}" ]`
    expect(keys(text)).toEqual([
      { id: 'a', secret: OCTETS, state: undefined },
      { id: 'b', secret: OCTETS, state: 'retired' },
      { id: 'c', secret: OCTETS, state: undefined },
      { id: 'd', secret: OCTETS, state: 'denied' },
      { id: 'e', secret: Buffer.alloc(32, 0xfe), state: undefined },
      { id: 'f', secret: OCTETS, state: undefined },
    ])
  })

  test.each([
    '( a )',
    '[ a = "000102030405" ]',
    '[ a = "no such file" ]',
    '[ a = "AAECAwQFBgcICQoLDA0ODx==" ]',
    `[ a = ( "${HEX}" old ) ]`,
    `[ a = ( "${HEX}" retired retired ) ]`,
    '[ a = () ]',
    `[ a = "${HEX}" b = "${HEX.slice(2)}" ]`,
    '[ a = "." ]',
  ])('refuses %s without repeating it', (dictionary) => {
    expect(() => keys(dictionary)).toThrow(
      /^f\.conf:1: option "tracking_keys": expected a dictionary \[ id = "secret" \] or \[ id = \( "secret" retired\|denied \) \], each secret 16 octets or more in hex, in base64, or in a readable file$/,
    )
  })

  test('knows both spellings of click_tracking_include_metadata', () => {
    for (const name of ['click_tracking_include_metadata', 'click_track_include_metadata']) {
      const { tracking } = config(`engagement_tracker { ${name} = "false" }`)
      expect(tracking.includeMetadata).toBe(false)
    }
  })
})
