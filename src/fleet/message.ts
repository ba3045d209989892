// What the processes of a fleet tell each other. `request`, `value` and `data` are the caller's: plain data.

/** Either side asks the other. */
export type Question =
  { readonly kind: 'ask'; readonly id: number; readonly request: unknown } | Answered

export type Answered =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly reason: string }

export type ToWorker =
  | Question
  /** What another worker said; `undefined` data: it is gone. */
  | { readonly kind: 'said'; readonly slot: number; readonly topic: string; readonly data: unknown }
  | { readonly kind: 'gone'; readonly slot: number }

export type FromWorker =
  /** Now and then, as long as it gets to its events. */
  | { readonly kind: 'alive'; readonly status: unknown }
  /** It does its work from now on. */
  | { readonly kind: 'ready'; readonly facts: unknown }
  | Question
  /** For all other workers. */
  | { readonly kind: 'say'; readonly topic: string; readonly data: unknown }

export const ALIVE_MS = 1_000
