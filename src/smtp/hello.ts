// The greeting and EHLO: what a client is told of us (RFC 5321 §3.1, §4.1.1.1), in Momentum's words
// (manual page "esmtp_listener.extensions").
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { Reply } from '../mail/reply.ts'
import { capabilities } from './capabilities.ts'
import type { Command } from './conversation.ts'
import { mailDate } from '../mail/date.ts'
import type { Session } from './state.ts'
import { endTransaction } from './transaction.ts'
import { judge } from './verdict.ts'

export function greet(session: Session): Eventually<Reply> {
  const judged = judge(session, [
    'core_validate_accept',
    'validate_connect',
    'core_validate_connect',
  ])
  return andThen(judged, (reply) => {
    if (!reply) return banner(session)
    session.isRefused = reply.code >= 400
    // A success text of policy's own replaces the banner's.
    return session.isRefused || reply.code === 220 ? reply : banner(session)
  })
}

export function hello(
  session: Session,
  command: Command,
  verb: 'EHLO' | 'HELO',
): Eventually<Reply> {
  const domain = command.argument
  // oxlint-disable-next-line no-control-regex
  if (domain === '' || /[\0-\x20\x7f]/.test(domain)) {
    return { code: 501, enhanced: '5.5.2', text: `invalid ${verb}` }
  }
  endTransaction(session, verb)
  session.context.connection.set('ehlo_string', command.line)
  session.context.connection.set('ehlo_domain', domain)
  // Momentum hands this callout its line with the line end.
  return andThen(judge(session, ['validate_ehlo'], { str: `${command.line}\r\n` }), (reply) => {
    if (reply && reply.code >= 400) return reply
    session.hello = { verb, domain }
    const text =
      reply?.text ??
      `${session.surroundings.hostname} says ${verb} to ${session.peer.remoteAddress}`
    const lines = verb === 'HELO' ? [text] : [text, ...capabilities(session)]
    return { code: 250, text: lines.join('\n'), ...(reply?.close && { close: true }) }
  })
}

function banner({ surroundings }: Session): Reply {
  const { options, version, now } = surroundings
  const name = `${options.bannerHostname} ESMTP eachrcpt ${version}`
  const text = options.staticBanner ?? `${name} ${mailDate(now())}`
  return { code: 220, text }
}
