// The stanzas opendkim and dkim_sign: they sign each copy after policy's core_final_validation, and lend their
// options to msys.validate.opendkim.sign (Momentum manual, "modules.opendkim", "modules.dkim").
import { readFileSync } from 'node:fs'
import type { OutboundOptions } from '../config/config.ts'
import { keyPath, type Signer, type SigningRule } from '../config/signers.ts'
import { routingDomain } from '../mail/envelope.ts'
import type { HeaderRule } from '../mime/dkim.ts'
import { DEFAULT_HEADERS, readHeaderRules } from '../mime/dkimrules.ts'
import { fieldValue } from '../mime/field.ts'
import { asciiDomain } from './dkimoptions.ts'
import type { SigningKey } from './dkimkey.ts'
import { authorDomain, keyIn, signContent, type SigningRequest } from './dkimsigning.ts'
import type { MessageHandle } from './handle.ts'

/** What a stanza says of mail of one domain. */
export interface ConfiguredSignature extends SigningRequest {
  readonly condition: string | undefined
  /** Reads its file, unless that has been read lately. */
  key(): SigningKey
}

export interface ConfiguredSigning {
  /** Undefined where mail of that domain is not signed by configuration. */
  ruleFor(domain: string): ConfiguredSignature | undefined
  /** Signs a copy that is what it will be, where the configuration says so. */
  sign(msg: MessageHandle): void
}

export interface SigningSurroundings {
  readonly outbound: (
    domain: string,
    egress?: { group: string; binding: string },
  ) => OutboundOptions
  /** Epoch milliseconds. */
  nowMs(): number
  /** Writes a line to paniclog. */
  panic(text: string): void
}

/** Undefined where no stanza signs. */
export function configuredSigning(
  signers: readonly Signer[],
  surroundings: SigningSurroundings,
): ConfiguredSigning | undefined {
  if (signers.length === 0) return undefined
  const keys = keyCache(surroundings)
  const ruleOf = (signer: Signer, author: string): ConfiguredSignature | undefined =>
    configured(signer.ruleFor(author), author, keys)
  return {
    ruleFor(author) {
      for (const signer of signers) {
        const rule = ruleOf(signer, author)
        if (rule) return rule
      }
      return undefined
    },
    sign(msg) {
      const author = authorDomain(msg)
      if (author === undefined) return
      for (const signer of signers) {
        if (!isWanted(signer, msg, surroundings)) continue
        const rule = ruleOf(signer, author)
        if (!rule || !holds(rule.condition, msg) || isSigned(msg, rule)) continue
        const key = rule.key()
        // The cache has said so when it read the file.
        if (key.kind === 'unusable') continue
        const why = signContent(msg, rule, key, surroundings.nowMs())
        if (why !== undefined) {
          surroundings.panic(`${signer.module}: ${msg.current.id} is not signed: ${why}`)
        }
      }
    },
  }
}

function isWanted(
  { module }: Signer,
  { current: { envelope } }: MessageHandle,
  { outbound }: SigningSurroundings,
): boolean {
  const { signed } = outbound(routingDomain(envelope), envelope.egress)
  return module === 'opendkim' ? signed.opendkim : signed.dkimSign
}

function holds(condition: string | undefined, { current: { context } }: MessageHandle): boolean {
  return (
    condition === undefined || context.connection.has(condition) || context.message.has(condition)
  )
}

/** Policy may have done it with the same key. */
function isSigned({ current: { fields } }: MessageHandle, rule: SigningRequest): boolean {
  return fields.some((field) => {
    if (!field.isOwn || field.key !== 'dkim-signature') return false
    const tags = new Set(fieldValue(field).replace(/\s/g, '').split(';'))
    return tags.has(`d=${rule.domain}`) && tags.has(`s=${rule.selector}`)
  })
}

type Keys = (path: string, rule: SigningRule) => SigningKey

function configured(
  rule: SigningRule,
  author: string,
  keys: Keys,
): ConfiguredSignature | undefined {
  const domain = asciiDomain(rule.baseDomain ?? author)
  const path = keyPath(rule, author)
  if (domain === undefined || path === undefined || rule.selector === undefined) return undefined
  return {
    domain,
    selector: rule.selector,
    headerForm: rule.headerForm,
    bodyForm: rule.bodyForm,
    headers: headersOf(rule),
    hasLength: rule.hasLength,
    identity: rule.identity || undefined,
    digest: rule.digest,
    expirySeconds: rule.lifetimeHours * 3600,
    condition: rule.condition,
    key: () => keys(path, rule),
  }
}

const known = new WeakMap<SigningRule, readonly HeaderRule[]>()

function headersOf(rule: SigningRule): readonly HeaderRule[] {
  const present = known.get(rule)
  if (present) return present
  const skipped = new Set(rule.skipped.map((name) => name.toLowerCase()))
  const listed = readHeaderRules(rule.headers?.join(':') ?? DEFAULT_HEADERS) ?? []
  const made = [
    ...listed.filter(({ name }) => !skipped.has(name.toLowerCase())),
    ...rule.oversigned.map((name) => ({ name, all: false, asserts: true })),
  ]
  known.set(rule, made)
  return made
}

const MAX_KEYS = 2048

/** Files of keys, each looked at again after its time. */
function keyCache({ nowMs, panic }: SigningSurroundings): Keys {
  const read = new Map<string, { readonly key: SigningKey; readonly untilMs: number }>()
  return (path, { keySeconds, noKeySeconds }) => {
    const present = read.get(path)
    if (present && nowMs() < present.untilMs) return present.key
    const key = readKey(path)
    if (key.kind === 'unusable') panic(`opendkim: no mail is signed with this key: ${key.why}`)
    const seconds = key.kind === 'key' ? keySeconds : noKeySeconds
    if (read.size >= MAX_KEYS) read.clear()
    read.set(path, { key, untilMs: nowMs() + seconds * 1000 })
    return key
  }
}

function readKey(path: string): SigningKey {
  try {
    return keyIn(readFileSync(path), path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return { kind: 'unusable', why: `${path}: ${code}` }
  }
}
