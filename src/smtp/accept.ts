// What policy sees of a connection and of its transaction, as they are when it looks. Classes: with getters of its own
// each session would have shapes of its own, and everything that reads of it would be compiled anew for each.
import type {
  Accept,
  Capabilities,
  MessageConstruct,
  MessageHandle,
  SessionCensus,
} from '../msys/handle.ts'
import type { Session } from './state.ts'
import { mayRelay } from './transaction.ts'

export class SessionAccept implements Accept {
  readonly kind = 'ac'
  gone: string | undefined = undefined
  readonly connectionId: string
  readonly capabilities: Capabilities = { added: [], removed: new Set() }
  readonly construct: MessageConstruct
  private readonly session: () => Session

  constructor(session: () => Session, connectionId: string) {
    this.session = session
    this.connectionId = connectionId
    this.construct = new SessionConstruct(session)
  }

  get remoteAddress(): string {
    return this.session().peer.remoteAddress
  }

  get remotePort(): number {
    return this.session().peer.remotePort
  }

  get localAddress(): string {
    return this.session().peer.localAddress
  }

  get localPort(): number {
    return this.session().peer.localPort
  }

  get census(): SessionCensus {
    return this.session().surroundings.census
  }
}

class SessionConstruct implements MessageConstruct {
  readonly kind = 'message_construct'
  gone: string | undefined = undefined
  private readonly session: () => Session

  constructor(session: () => Session) {
    this.session = session
  }

  get message(): MessageHandle | undefined {
    return this.session().transaction?.msg
  }

  get connectionMessageCount(): number {
    return this.session().messageCount
  }

  get connectionRecipientCount(): number {
    return this.session().recipientCount
  }

  get messageRecipientCount(): number {
    return this.session().transaction?.recipients.list.length ?? 0
  }

  get maxMessageSize(): number {
    return this.session().surroundings.options.maxMessageSize
  }

  get mayRelay(): boolean {
    return mayRelay(this.session())
  }

  get command(): string {
    return this.session().command
  }
}
