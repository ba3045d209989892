// No outside at all: whatever is asked for is refused, and the refusal names it. Time still passes.
import type { Clock, Outside, Refused } from './outside.ts'

/** All that is not given refuses. */
export function closedOutside(open: Partial<Outside> = {}): Outside {
  return {
    resolver: { ask: ({ type, name }) => refused(`no DNS here: ${type} ${name}`) },
    http: {
      send: ({ method, url }) => Promise.resolve(refused(`no HTTP here: ${method} ${url}`)),
    },
    files: {
      read: (path) => Promise.resolve(refused(`no files here: ${path}`)),
      openToWrite: (path) => Promise.resolve(refused(`no files here: ${path}`)),
    },
    clock: machineClock(),
    random: Math.random,
    databases: {
      open: () => ({
        run: ({ sql }) => Promise.resolve(refused(`no databases here: ${sql}`)),
        close: () => Promise.resolve(),
      }),
    },
    spam: {
      scanner: { scan: () => Promise.resolve(refused('no spamassassin stanza here')) },
      maxBytes: 51_200,
    },
    ...open,
  }
}

export function machineClock(): Clock {
  return {
    nowMs: Date.now,
    after(delayMs, run) {
      const timer = setTimeout(run, delayMs)
      return () => clearTimeout(timer)
    },
  }
}

function refused(text: string): Refused {
  return { kind: 'refused', text }
}
