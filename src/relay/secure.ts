// What comes between EHLO and the first message where the profile asks for it: STARTTLS (RFC 3207) and AUTH
// (RFC 4954: PLAIN, LOGIN, and XOAUTH2 where it is asked for by name). Momentum manual pages "tls", "tls_verify", "tls_ifavailable_fallback",
// "modules.outbound_smtp_auth". What goes wrong here is never the fault of a message: it stays temporary.
import { isIP } from 'node:net'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import { type Channel, isPositive } from './channel.ts'
import { judge, type Outcome, outcome, type Stage, STAGES } from './outcome.ts'
import type { Credentials } from './credentials.ts'
import type { Profile } from './profile.ts'
import type { Extensions } from './protocol.ts'

/** `plain`: TLS did not come about, and may be done without on another connection. */
export type Security = { readonly kind: 'secured' | 'unsecured' | 'plain' } | Outcome

const NOT_OFFERED = temporary(
  STAGES.afterEhlo,
  '454 4.7.0 [internal] STARTTLS is required but not offered',
)
const NO_MECHANISM = temporary(
  STAGES.afterEhlo,
  '454 4.7.0 [internal] no AUTH that we could use is offered',
)
export const NOT_IN_CLEAR = temporary(
  STAGES.afterEhlo,
  '454 4.7.0 [internal] no TLS to authenticate under',
)

/** `name`: the host's, which its certificate should bear. */
export async function startTls(
  channel: Channel,
  extensions: Extensions,
  { tls, timeouts }: Profile,
  name: string,
): Promise<Security> {
  if (tls.mode === 'no') return { kind: 'unsecured' }
  const isRequired = tls.mode === 'required'
  if (!extensions.has('STARTTLS')) return isRequired ? NOT_OFFERED : { kind: 'unsecured' }
  channel.send(['STARTTLS\r\n'])
  const answer = await channel.reply(timeouts.ehloMs)
  if (!isPositive(answer)) {
    const isOver = answer.kind === 'lost' || answer.code === 421
    if (isRequired || isOver || !tls.fallsBack) {
      return { ...judge(answer, STAGES.afterStarttls), kind: 'deferred' }
    }
    return { kind: 'unsecured' }
  }
  const secured = await channel.secure(connectionOptions(name, tls), timeouts.ehloMs)
  if (secured.kind === 'lost') {
    if (!isRequired && tls.fallsBack) return { kind: 'plain' }
    return { ...judge(secured, STAGES.afterTls), kind: 'deferred' }
  }
  if (secured.complaint === undefined || tls.verify === 'no' || tls.verify === 'optional') {
    return { kind: 'secured' }
  }
  // Somebody else may be there: no falling back to clear text.
  const text = `454 4.7.5 [internal] TLS certificate not accepted: ${secured.complaint}`
  return temporary(STAGES.afterTls, text)
}

/** Undefined when the peer knows us now, or need not. */
export async function authenticate(
  channel: Channel,
  extensions: Extensions,
  { auth, tls, timeouts }: Profile,
  isSecured: boolean,
): Promise<Outcome | undefined> {
  if (!auth) return undefined
  // Who strips STARTTLS from the conversation must not get the password for it.
  if (!isSecured && tls.mode !== 'no') return NOT_IN_CLEAR
  const offered = (extensions.get('AUTH') ?? '').toUpperCase().split(/\s+/)
  const mechanism = [auth.type ?? ['PLAIN', 'LOGIN']].flat().find((one) => offered.includes(one))
  if (mechanism === undefined) return NO_MECHANISM
  const steps = stepsOf(mechanism, auth)
  for (const [i, step] of steps.entries()) {
    channel.send([`${step}\r\n`], i === 0 ? `AUTH ${mechanism} [hidden]\r\n` : '[hidden]\r\n')
    const answer = await channel.reply(timeouts.ehloMs)
    const isLast = i === steps.length - 1
    const isGood = isLast ? isPositive(answer) : answer.kind === 'reply' && answer.code === 334
    if (isGood) continue
    // XOAUTH2 tells its reason in a challenge, and its code after the answer to that.
    const isChallenge = isLast && answer.kind === 'reply' && answer.code === 334
    if (isChallenge) channel.send(['\r\n'])
    const last = isChallenge ? await channel.reply(timeouts.ehloMs) : answer
    return { ...judge(last, STAGES.afterEhlo), kind: 'deferred' }
  }
  return undefined
}

function stepsOf(mechanism: string, { user, password }: Credentials): readonly string[] {
  switch (mechanism) {
    case 'PLAIN':
      return [`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`]
    case 'XOAUTH2':
      return [`AUTH XOAUTH2 ${base64(`user=${user}\x01auth=Bearer ${password}\x01\x01`)}`]
    default:
      return ['AUTH LOGIN', base64(user), base64(password)]
  }
}

function connectionOptions(
  name: string,
  { verify, ca, certificate, key = certificate, rules }: Profile['tls'],
): ConnectionOptions {
  return {
    ...(isIP(name) === 0 && { servername: name }),
    ...rules,
    ...(ca && { ca }),
    ...(certificate && { cert: certificate, key }),
    // Of `ca`: whoever is vouched for will do, whatever its name.
    checkServerIdentity: (_, certificate) =>
      verify === 'host' ? checkServerIdentity(name, certificate) : undefined,
  }
}

function temporary(stage: Stage, text: string): Outcome {
  return { ...outcome(stage, text), kind: 'deferred' }
}

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64')
}
