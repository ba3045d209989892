// The SMTP listeners: each connection becomes a conversation of the current generation.
import type { ListenerOptions, SmtpEndpoint } from './config/config.ts'
import { type Conversing, makeConversations } from './conversations.ts'
import { type Listeners, makeListeners } from './listeners.ts'
import { type Listener, openListener } from './smtp/listener.ts'

export function makeSessions(conversing: Conversing): Listeners<SmtpEndpoint, Listener> {
  const converse = makeConversations(conversing)
  return makeListeners((endpoint, latest) =>
    openListener({
      ...endpoint.address,
      idleSeconds: endpoint.options('').idleSeconds,
      proxySeconds: (address) => proxySeconds(latest().options(address)),
      converse: (peer, control) => converse(latest(), peer, control),
      report: (error) => conversing.current().journal.panic('esmtp_listener', String(error)),
    }),
  )
}

function proxySeconds(options: ListenerOptions): number | undefined {
  return options.proxyProtocol ? options.proxySeconds : undefined
}
