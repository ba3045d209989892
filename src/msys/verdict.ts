// What policy decides about a command: data on `vctx`, so that a policy's own pcall cannot swallow it.

export interface Verdict {
  /** SMTP code; 0 while policy has set none. */
  code: number
  /** Byte string: the reply text. */
  note: string
  disconnect: boolean
  tarpitSeconds: number
}

export function noVerdict(): Verdict {
  return { code: 0, note: '', disconnect: false, tarpitSeconds: 0 }
}

export function isRejection(verdict: Verdict): boolean {
  return verdict.code >= 400
}
