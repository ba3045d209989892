// Questions to another process, each with one answer.
import type { Answered, Question } from './message.ts'

export interface Ask {
  ask(request: unknown): Promise<unknown>
  answered(message: Answered): void
  /** There will be no more answers. */
  end(reason: string): void
}

export function makeAsk(send: (message: Question) => void): Ask {
  const open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let lastId = 0
  let ended: string | undefined
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(new Error(ended))
        const id = ++lastId
        open.set(id, { resolve, reject })
        send({ kind: 'ask', id, request })
      }),
    answered(message) {
      const asked = open.get(message.id)
      open.delete(message.id)
      if (message.kind === 'answer') asked?.resolve(message.value)
      else asked?.reject(new Error(message.reason))
    },
    end(reason) {
      ended = reason
      for (const { reject } of open.values()) reject(new Error(reason))
      open.clear()
    },
  }
}

/** Answers one, by and by. */
export function answerTo(
  { id, request }: Extract<Question, { readonly kind: 'ask' }>,
  answer: (request: unknown) => Promise<unknown>,
  send: (message: Answered) => void,
): void {
  answer(request).then(
    (value) => send({ kind: 'answer', id, value }),
    (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      send({ kind: 'failed', id, reason })
    },
  )
}
