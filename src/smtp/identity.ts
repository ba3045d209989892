// Who the client is said to be: XREMOTEIP and XCLIENT (Momentum manual page "esmtp_listener.extensions",
// Postfix "XCLIENT_README"). Access lists, context and limits are looked up again for the new address.
import { isIP } from 'node:net'
import type { Eventually } from '../mail/eventually.ts'
import { XCLIENT_ATTRIBUTES } from './capabilities.ts'
import type { Answer, Command, Peer } from './conversation.ts'
import { greet } from './hello.ts'
import type { Session } from './state.ts'
import { endTransaction } from './transaction.ts'
import { decodeXtext } from './xtext.ts'

const BAD_ADDRESS: Answer = { code: 501, enhanced: '5.5.4', text: 'bad address' }
const UNAVAILABLE = /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i

export function setRemoteAddress(session: Session, { argument }: Command): Answer {
  const remoteAddress = readAddress(argument)
  if (remoteAddress === undefined) return BAD_ADDRESS
  const refusal = adopt(session, { ...session.peer, remoteAddress, remotePort: 0 })
  return refusal ?? { code: 250, enhanced: '2.0.0', text: 'XREMOTEIP OK' }
}

/** Success is a fresh greeting: the session begins anew, as policy sees it too. */
export function setClient(session: Session, { argument }: Command): Eventually<Answer> {
  if (session.transaction) {
    return { code: 503, enhanced: '5.5.1', text: 'mail transaction in progress' }
  }
  const attributes = readAttributes(argument)
  const peer = attributes && changedPeer(session.peer, attributes)
  if (!peer) return { code: 501, enhanced: '5.5.4', text: 'bad XCLIENT parameter' }
  endTransaction(session, 'XCLIENT')
  delete session.hello
  const { connection } = session.context
  for (const name of ['ehlo_string', 'ehlo_domain']) connection.delete(name)
  const refusal = adopt(session, peer)
  if (refusal) return refusal
  setHello(session, attributes.get('HELO'))
  setLogin(session, attributes.get('LOGIN'))
  return greet(session)
}

/** From now on the client has these addresses. A reply when its new scope has no room for it. */
function adopt(session: Session, peer: Peer): Answer | undefined {
  const { surroundings, context, injected } = session
  const couldRelay = surroundings.options.canRelay
  const refusal = surroundings.adopt(peer)
  if (refusal) return refusal
  session.peer = peer
  const { options } = surroundings
  for (const [name, value] of options.context) context.connection.set(name, value)
  context.connection.set('pathway', options.pathway)
  if (options.canRelay) {
    context.connection.set('can_relay', 'true')
    injected.delete('can_relay')
  } else if (couldRelay && !session.isAuthenticated) context.connection.delete('can_relay')
  return undefined
}

/** All of them, or undefined: an unknown name, a bad value. Byte strings. */
function readAttributes(argument: string): Map<string, string> | undefined {
  const attributes = new Map<string, string>()
  for (const word of argument.split(/[ \t]+/)) {
    const equals = word.indexOf('=')
    const name = word.slice(0, Math.max(equals, 0)).toUpperCase()
    const value = decodeXtext(word.slice(equals + 1))
    // oxlint-disable-next-line no-control-regex
    if (!XCLIENT_ATTRIBUTES.includes(name) || !value || /[\0-\x20\x7f]/.test(value))
      return undefined
    attributes.set(name, value)
  }
  return attributes
}

function changedPeer(peer: Peer, attributes: ReadonlyMap<string, string>): Peer | undefined {
  const addressOr = (name: string, present: string): string | undefined => {
    const given = attributes.get(name)
    return given === undefined || UNAVAILABLE.test(given) ? present : readAddress(given)
  }
  const portOr = (name: string, present: number): number | undefined => {
    const given = attributes.get(name)
    if (given === undefined) return present
    if (UNAVAILABLE.test(given)) return 0
    return /^\d{1,5}$/.test(given) && Number(given) <= 65_535 ? Number(given) : undefined
  }
  const remoteAddress = addressOr('ADDR', peer.remoteAddress)
  const remotePort = portOr('PORT', attributes.has('ADDR') ? 0 : peer.remotePort)
  const localAddress = addressOr('DESTADDR', peer.localAddress)
  const localPort = portOr('DESTPORT', peer.localPort)
  const isWhole =
    remoteAddress !== undefined &&
    remotePort !== undefined &&
    localAddress !== undefined &&
    localPort !== undefined
  return isWhole ? { remoteAddress, remotePort, localAddress, localPort } : undefined
}

/** `1.2.3.4`, `2001:db8::1` or `IPV6:2001:db8::1`. */
function readAddress(text: string): string | undefined {
  const bare = text.replace(/^IPV6:/i, '')
  return isIP(bare) && !bare.includes('%') ? bare : undefined
}

function setHello({ context }: Session, name: string | undefined): void {
  if (name === undefined || UNAVAILABLE.test(name)) return
  context.connection.set('ehlo_domain', name)
}

/** A proxy vouches for a login; without one nobody is logged in. */
function setLogin(session: Session, user: string | undefined): void {
  if (user === undefined) return
  const { connection } = session.context
  session.isAuthenticated = !UNAVAILABLE.test(user)
  if (session.isAuthenticated) {
    connection.set('auth_user', user)
    connection.set('auth_status', 'pass')
    connection.set('can_relay', 'true')
    session.injected.delete('can_relay')
    return
  }
  for (const name of ['auth_user', 'auth_status']) connection.delete(name)
  if (!session.surroundings.options.canRelay) connection.delete('can_relay')
}
