// The Conversation of a session, and what it answers is counted. No promise is made where it makes none.
import type { SmtpInstruments } from './instruments.ts'
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { Answer, Conversation } from '../smtp/conversation.ts'

export function metered(conversation: Conversation, smtp: SmtpInstruments): Conversation {
  const count = (command: string, answer: Eventually<Answer>): Eventually<Answer> =>
    andThen(answer, (reply) => {
      smtp.replied(command, reply.code)
      const { next } = reply
      // The lines of an AUTH dialogue.
      if (typeof next !== 'function') return reply
      return { ...reply, next: (line) => count(command, next(line)) }
    })
  return {
    ...conversation,
    greet: () => count('CONNECT', conversation.greet()),
    command: (command) => count(command.verb, conversation.command(command)),
    secured(facts) {
      smtp.secured(facts.version)
      return conversation.secured(facts)
    },
    data(command) {
      const limits = conversation.data(command)
      smtp.replied('DATA', 'code' in limits ? limits.code : 354)
      return limits
    },
    received(received) {
      const startedMs = performance.now()
      return andThen(conversation.received(received), (reply) => {
        smtp.replied('END-OF-DATA', reply.code)
        smtp.accepted((performance.now() - startedMs) / 1000)
        return reply
      })
    },
    violation(reply) {
      smtp.replied('NONE', reply.code)
      conversation.violation(reply)
    },
  }
}
