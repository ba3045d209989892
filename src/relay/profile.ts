// How a next hop is spoken to: what is the same for all messages that may share a connection.
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import type { OutboundOptions, TlsRules } from '../config/config.ts'
import { splitAddress } from '../mail/address.ts'
import type { Credentials } from './credentials.ts'
import type { Transformation } from './sevenbit.ts'

/** RFC 5321 §4.5.3.2, except connect, reset, quit and the whole. */
export interface Timeouts {
  readonly connectMs: number
  readonly greetingMs: number
  readonly ehloMs: number
  readonly mailMs: number
  readonly rcptMs: number
  readonly dataMs: number
  readonly blockMs: number
  readonly finalMs: number
  readonly resetMs: number
  readonly quitMs: number
  /** One transaction from MAIL to the last reply, however slowly the peer proceeds. */
  readonly transactionMs: number
}

export interface TlsProfile {
  readonly mode: 'no' | 'ifavailable' | 'required'
  /** Whether clear text will do when TLS fails. */
  readonly fallsBack: boolean
  readonly verify: 'no' | 'ca' | 'host' | 'optional'
  /** PEM; undefined: those that Node knows. */
  readonly ca: Buffer | undefined
  /** Ours, for a peer that asks for one; PEM. */
  readonly certificate: Buffer | undefined
  readonly key: Buffer | undefined
  /** Ciphers and versions. */
  readonly rules: TlsRules
}

export interface Profile {
  readonly ehloHostname: string
  /** Ours; undefined: any. */
  readonly bindAddress: string | undefined
  readonly timeouts: Timeouts
  /** How long a connection waits for the next message. */
  readonly idleMs: number
  readonly tls: TlsProfile
  readonly auth: Credentials | undefined
  readonly method: 'esmtp' | 'smtp' | 'lmtp'
  /** What becomes of 8-bit octets when the peer does not take them. */
  readonly sevenBit: Transformation
  /** Whether it is told of them when it does. */
  readonly declares8Bit: boolean
  /** Whether a message goes together with its envelope where the peer takes it as a chunk. */
  readonly sendsChunks: boolean
}

export const TIMEOUTS: Timeouts = {
  connectMs: 300_000,
  greetingMs: 300_000,
  ehloMs: 300_000,
  mailMs: 300_000,
  rcptMs: 300_000,
  dataMs: 120_000,
  blockMs: 180_000,
  finalMs: 600_000,
  resetMs: 30_000,
  quitMs: 2_000,
  transactionMs: 3_600_000,
}

export function profileOf(
  outbound: OutboundOptions,
  mailfrom: string,
  auth: Credentials | undefined,
): Profile {
  const sender = outbound.greetsAsSender ? splitAddress(mailfrom).domain : ''
  const base = plainProfile(outbound)
  return sender || auth ? { ...base, ehloHostname: sender || base.ehloHostname, auth } : base
}

const known = new WeakMap<OutboundOptions, Profile>()

function plainProfile(outbound: OutboundOptions): Profile {
  const present = known.get(outbound)
  if (present) return present
  const made: Profile = {
    ehloHostname: outbound.ehloHostname,
    bindAddress: outbound.bindAddress,
    timeouts: timeoutsOf(outbound),
    idleMs: outbound.idleTimeoutSeconds * 1000,
    tls: {
      mode: outbound.tls,
      fallsBack: outbound.tlsIfavailableFallback,
      verify: outbound.tlsVerify,
      ca: outbound.tlsCa,
      certificate: outbound.tlsCertificate,
      key: outbound.tlsKey,
      rules: outbound.tlsRules,
    },
    auth: undefined,
    method: outbound.deliveryMethod,
    sevenBit: outbound.sevenBit,
    declares8Bit: outbound.declares8Bit === 'ifavailable',
    sendsChunks: outbound.sendsChunks === 'ifavailable',
  }
  known.set(outbound, made)
  return made
}

function timeoutsOf(outbound: OutboundOptions): Timeouts {
  return {
    ...TIMEOUTS,
    connectMs: outbound.connectTimeoutSeconds * 1000,
    greetingMs: outbound.ehloTimeoutSeconds * 1000,
    ehloMs: outbound.ehloTimeoutSeconds * 1000,
    mailMs: outbound.mailfromTimeoutSeconds * 1000,
    rcptMs: outbound.rcpttoTimeoutSeconds * 1000,
    finalMs: outbound.bodyTimeoutSeconds * 1000,
    resetMs: outbound.rsetTimeoutSeconds * 1000,
  }
}

const keys = new WeakMap<Profile, string>()

/** Equal for profiles whose messages may share a connection. */
export function profileKey(profile: Profile): string {
  const present = keys.get(profile)
  if (present !== undefined) return present
  const { ehloHostname, bindAddress, tls, auth, method, sevenBit } = profile
  const { ca, certificate, key, ...rest } = tls
  const pems = [ca, certificate, key].map(
    (pem) => pem && createHash('sha256').update(pem).digest('base64'),
  )
  const { declares8Bit, sendsChunks } = profile
  const parts = [
    ehloHostname,
    bindAddress,
    rest,
    pems,
    auth,
    method,
    sevenBit,
    declares8Bit,
    sendsChunks,
  ]
  const made = JSON.stringify(parts)
  keys.set(profile, made)
  return made
}

/** Whether our address can speak to the other one. */
export function canReach({ bindAddress }: Profile, address: string): boolean {
  return bindAddress === undefined || isIP(bindAddress) === isIP(address)
}
