// `eachrcpt record`: a proxy in front of any SMTP server that writes down its sessions, redacted unless told
// otherwise. Exit codes: 2 for wrong usage, 69 when an address is taken, 73 when the folder cannot be written.
import { join } from 'node:path'
import type { HostPort } from '../config/config.ts'
import { openRecorder, type Recorder } from '../recording/recorder.ts'
import type { Tape } from '../recording/tape.ts'
import { readOptions } from './options.ts'
import { openTapeFolder, type TapeWriter } from './tapefolder.ts'

const USAGE = `usage: eachrcpt record --listen ADDR --server ADDR --out DIR [options]

Stands between SMTP clients and a server, passes everything on and writes
each session to DIR as a .session file. ADDR is host:port.

  --capture ADDR       listen here too: make it the server's next hop, and
  --next-hop ADDR      what it relays goes on there and into the files
  --settle SEC         how long a session waits for what is relayed (10)
  --proxy-protocol     tell the server the client's address (PROXY v1)
  --no-redact          write addresses and texts as they are
  --keep-texts         redact addresses only
  --key FILE           the key of redacted addresses; made if not there
                       (DIR/.key), keep it secret

STARTTLS and CHUNKING are not offered through it; passwords of AUTH are
never written. SIGTERM or Ctrl-C ends it.
`

const VALUES = ['--listen', '--server', '--out', '--capture', '--next-hop', '--settle', '--key']
const FLAGS = ['--proxy-protocol', '--no-redact', '--keep-texts']

interface RecordOptions {
  readonly listen: HostPort
  readonly server: HostPort
  readonly folder: string
  readonly capture: { readonly listen: HostPort; readonly nextHop: HostPort } | undefined
  readonly settleMs: number
  readonly tellsClient: boolean
  readonly isRedacted: boolean
  readonly keepsTexts: boolean
  readonly keyFile: string
}

export async function record(args: readonly string[]): Promise<number> {
  const options = readRecordOptions(args)
  if (options === 'help') {
    process.stdout.write(USAGE)
    return 0
  }
  if (typeof options === 'string') return fail(`record: ${options}\n\n${USAGE}`, 2)
  let put: TapeWriter
  try {
    put = openTapeFolder(options)
  } catch (error) {
    return fail(`record: ${String(error)}\n`, 73)
  }
  const said = (text: string): void => void process.stderr.write(`${text}\n`)
  const write = (tape: Tape): void => {
    try {
      process.stdout.write(`${put(tape)}\n`)
    } catch (error) {
      // The mail goes on.
      said(`record: ${String(error)}`)
    }
  }
  let recorder: Recorder
  try {
    recorder = await openRecorder({ ...options, now: Date.now, write, report: said })
  } catch (error) {
    return fail(`record: ${error instanceof Error ? error.message : String(error)}\n`, 69)
  }
  const { address, captureAddress } = recorder
  const capture = captureAddress ? ` capture=${text(captureAddress)}` : ''
  said(`recording smtp=${text(address)}${capture} to ${options.folder}`)
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  await recorder.close()
  return 0
}

function readRecordOptions(args: readonly string[]): RecordOptions | string {
  const given = readOptions(args, { values: VALUES, flags: FLAGS })
  if (typeof given === 'string') return given
  const { words, values, flags } = given
  if (flags.has('--help')) return 'help'
  if (words.length > 0) return `unexpected "${words[0]}"`
  const addresses = ['--listen', '--server', '--capture', '--next-hop'].map((name) => {
    const value = values.get(name)
    return { name, value, address: value === undefined ? undefined : readAddress(value) }
  })
  const bad = addresses.find(({ value, address }) => value !== undefined && !address)
  if (bad) return `${bad.name}: host:port was expected, got "${bad.value}"`
  const [listen, server, capture, nextHop] = addresses.map(({ address }) => address)
  const folder = values.get('--out')
  if (!listen || !server || folder === undefined) return '--listen, --server and --out are needed'
  if (!capture !== !nextHop) return '--capture and --next-hop go together'
  const settleMs = Number(values.get('--settle') ?? 10) * 1000
  if (!(settleMs >= 0)) return '--settle: seconds were expected'
  return {
    listen,
    server,
    folder,
    capture: capture && nextHop && { listen: capture, nextHop },
    settleMs,
    tellsClient: flags.has('--proxy-protocol'),
    isRedacted: !flags.has('--no-redact'),
    keepsTexts: flags.has('--keep-texts'),
    keyFile: values.get('--key') ?? join(folder, '.key'),
  }
}

function readAddress(value: string): HostPort | undefined {
  const [, host, port] = /^(?:\[([^\]]+)\]|[^:]*):\d+$/.test(value)
    ? (/^(.*):(\d+)$/.exec(value) ?? [])
    : []
  if (host === undefined || Number(port) > 65_535) return undefined
  return { host: host.replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(port) }
}

function text({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function fail(message: string, code: number): number {
  process.stderr.write(message)
  return code
}
