// Policies from source text, and what their callouts are given, without sockets.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { emptyContext } from '../../src/mail/context.ts'
import { EMPTY_ENVELOPE } from '../../src/mail/envelope.ts'
import { splitAddress } from '../../src/mail/address.ts'
import type { Message } from '../../src/mail/message.ts'
import { splitHeader } from '../../src/mime/field.ts'
import type { MessageHandle } from '../../src/msys/handle.ts'
import { noVerdict } from '../../src/msys/verdict.ts'
import { closedOutside } from '../../src/outside/closed.ts'
import type { Outside } from '../../src/outside/outside.ts'
import type { PolicyOptions } from '../../src/policy/loaded.ts'
import { type CalloutName, findPhase } from '../../src/policy/phases.ts'
import { loadPolicy, type Policy } from '../../src/policy/policy.ts'
import type { Sending, Subject } from '../../src/msys/runtime.ts'

export const BUDGET = { cpuMs: 1000, wallMs: 2000, allocBytes: 2 ** 26, maxStringBytes: 2 ** 24 }

export interface TestPolicy {
  readonly policy: Policy
  /** Lines of paniclog, `origin: text`. */
  readonly panics: string[]
  close(): Promise<void>
}

/** Loads scripts by name and text, in their order. */
export async function policyOf(
  scripts: Readonly<Record<string, string>>,
  options: Partial<PolicyOptions> = {},
): Promise<TestPolicy> {
  const folder = await mkdtemp(join(tmpdir(), 'eachrcpt-policy-'))
  const names = Object.keys(scripts)
  for (const name of names) await writeFile(join(folder, `${name}.lua`), scripts[name] ?? '')
  const panics: string[] = []
  try {
    const policy = await loadPolicy({
      scripts: names.map((name, i) => ({
        name,
        source: name,
        place: { file: 'test.conf', line: i + 1, column: 1 },
      })),
      roots: [folder],
      budget: BUDGET,
      onBadReturn: 'continue',
      panic: (origin, text) => panics.push(`${origin}: ${text}`),
      ...options,
    })
    return {
      policy,
      panics,
      async close() {
        await policy.close()
        await rm(folder, { recursive: true })
      },
    }
  } catch (error) {
    await rm(folder, { recursive: true })
    throw error
  }
}

export interface TestSubject extends Subject {
  readonly msg: MessageHandle
}

/** What a callout about one message is given. */
export function subjectOf(bytes = 'Subject: a\r\n\r\nbody\r\n', rcptto = 'anna@rcpt.example') {
  const base = Buffer.from(bytes, 'latin1')
  const context = emptyContext()
  const current: Message = {
    id: '00/00-1-A',
    batchId: '00/00-1-A',
    connectionId: '00/00-1-9',
    endpoints: {
      remoteAddress: '192.0.2.1',
      remotePort: 4711,
      localAddress: '127.0.0.1',
      localPort: 25,
    },
    base,
    ...splitHeader(base),
    envelope: {
      ...EMPTY_ENVELOPE,
      mailfrom: splitAddress('news@sender.example'),
      rcptto: splitAddress(rcptto),
    },
    context,
    receivedMs: 0,
  }
  const panics: string[] = []
  const msg: MessageHandle = { kind: 'message', current }
  const subject: TestSubject = {
    msg,
    vctx: {
      kind: 'vctx',
      context,
      recipients: { list: [splitAddress(rcptto)] },
      verdict: noVerdict(),
      panic: (text) => void panics.push(text),
    },
    ac: {
      kind: 'ac',
      connectionId: '00/00-1-9',
      remoteAddress: '192.0.2.1',
      remotePort: 4711,
      localAddress: '127.0.0.1',
      localPort: 25,
      capabilities: { added: [], removed: new Set() },
      census: { ofAddress: () => 1, within: () => 1, total: () => 1 },
      construct: {
        kind: 'message_construct',
        message: msg,
        connectionMessageCount: 1,
        connectionRecipientCount: 1,
        messageRecipientCount: 1,
        maxMessageSize: 1000,
        mayRelay: true,
        command: 'RCPT TO:<anna@rcpt.example>\r\n',
      },
    },
    str: 'RCPT TO:<anna@rcpt.example>',
  }
  return { subject, panics }
}

/**
 * Runs Lua code as the body of a callout that has `say`, `msg`, `ac`, `vctx` and the dictionaries `M` and
 * `C`; `said` is what it said, in one line, tables as `{a,b}`, an error as `ERROR …`.
 */
export async function runLua(
  code: string,
  {
    callout = 'validate_data_spool_each_rcpt',
    mail,
    sending,
    prepare,
    outside,
    options,
  }: {
    callout?: string | undefined
    mail?: string
    sending?: Sending
    outside?: Partial<Outside>
    /** Sees the message before the callout does. */
    prepare?: (msg: MessageHandle) => void
    /** Of the policy. */
    options?: Partial<PolicyOptions>
  } = {},
) {
  const parameters = findPhase(callout)?.arguments.join(', ') ?? ''
  const source = `
    local E = msys.core
    local M, C = E.ECMESS_CTX_MESS, E.ECMESS_CTX_CONN
    local mod = {}
    function mod:${callout}(${parameters})
      local function show(v)
        if type(v) ~= "table" then return tostring(v) end
        local t = {}
        for i = 1, #v do t[i] = tostring(v[i]) end
        return "{" .. table.concat(t, ",") .. "}"
      end
      local out = {}
      local function say(...)
        for i = 1, select("#", ...) do out[#out + 1] = show((select(i, ...))) end
      end
      local ok, err = pcall(function() ${code} end)
      if not ok then out[#out + 1] = "ERROR " .. tostring(err) end
      print(table.concat(out, " "))
      return msys.core.VALIDATE_CONT
    end
    msys.registerModule("test", mod)`
  // A busy machine must not kill what is no attack.
  const patient = { outside: closedOutside(outside), budget: { ...BUDGET, cpuMs: 10_000 } }
  const { policy, panics, close } = await policyOf({ test: source }, { ...patient, ...options })
  const { subject: plain, panics: notices } = subjectOf(mail)
  const subject = { ...plain, ...(sending && { sending }) }
  prepare?.(subject.msg)
  const outcome = await policy.openSession().run(callout as CalloutName, subject)
  await close()
  const lines = panics.map((line) => line.replace(/^scriptlet: /, ''))
  return { said: lines.at(-1) ?? '', lines, subject, outcome, notices }
}

/** Headers of a message as they stand, for people. */
export function headerText({ current }: MessageHandle): string {
  return Buffer.concat(current.fields.map((field) => field.bytes)).toString('latin1')
}
