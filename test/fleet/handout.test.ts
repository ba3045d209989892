import { expect, test } from 'vitest'
import { makeHandout } from '../../src/fleet/handout.ts'

/** Workers that listen on port 25, a clock that the test moves, and what became of each connection. */
function start(names = 'ab') {
  let nowMs = 0
  let last = 0
  const timers: { atMs: number; task: () => void }[] = []
  const became = new Map<number, string>()
  const lost: string[] = []
  const gone = new Set<string>()
  const handout = makeHandout<string>({
    isThere: (worker) => !gone.has(worker),
    onLost: (worker) => void lost.push(worker),
    now: () => nowMs,
    after: (ms, task) => void timers.push({ atMs: nowMs + ms, task }),
  })
  const load = (open = 0) => [{ port: 25, taken: open, open }]
  for (const name of names) {
    handout.join(name)
    handout.heard(name, load())
  }
  return {
    handout,
    lost,
    gone,
    load,
    /** On whose turn; its id. */
    offer(turn: string, port = 25): number {
      const id = ++last
      const send = (worker: string): void => void became.set(id, worker)
      handout.offer({ id, port, turn, send, drop: () => void became.set(id, 'dropped') })
      return id
    },
    of: (id: number) => became.get(id),
    takes: (id: number) => handout.answered(became.get(id) ?? '', id, true),
    refuses: (id: number) => handout.answered(became.get(id) ?? '', id, false),
    pass(ms: number) {
      nowMs += ms
      for (const timer of timers.splice(0)) {
        if (timer.atMs <= nowMs) timer.task()
        else timers.push(timer)
      }
    },
  }
}

test('whoever has the fewest gets the next one; of equals, whose turn it is', () => {
  const { offer, of, takes } = start()
  const given = ['a', 'a', 'a', 'b', 'b'].map((turn) => {
    const id = offer(turn)
    takes(id)
    return of(id)
  })
  expect(given.join('')).toBe('ababb')
})

test('one that has fewer and will soon have answered is waited for, but not for long', () => {
  const { handout, offer, of, takes, pass } = start()
  for (let i = 0; i < 6; i++) takes(offer('a'))
  handout.heard('b', [{ port: 25, taken: 3, open: 0 }])
  const first = offer('a')
  expect(of(first)).toBe('b')
  const second = offer('b')
  expect(of(second)).toBeUndefined()
  takes(first)
  expect(of(second)).toBe('b')
  const third = offer('a')
  pass(100)
  // It is at something else: the other one goes on, whosever turn it is.
  expect(of(third)).toBe('a')
  takes(third)
  for (const turn of ['a', 'b', 'a']) {
    const id = offer(turn)
    expect(of(id)).toBe('a')
    takes(id)
  }
  takes(second)
  expect(of(offer('a'))).toBe('b')
})

test('where there are many, one that has hardly fewer is not waited for', () => {
  const { handout, offer, of, takes } = start()
  for (let i = 0; i < 32; i++) takes(offer('a'))
  handout.heard('b', [{ port: 25, taken: 16, open: 15 }])
  const [first, second] = [offer('a'), offer('b')]
  expect([of(first), of(second)]).toEqual(['b', 'a'])
})

test('while all are at something else connections wait, and go to the first that answers', () => {
  const { offer, of, takes, pass } = start()
  const [one, two] = [offer('a'), offer('b')]
  expect([of(one), of(two)]).toEqual(['a', 'b'])
  const third = offer('a')
  pass(60_000)
  expect(of(third)).toBeUndefined()
  takes(two)
  expect(of(third)).toBe('b')
})

test('what one refuses goes to another; what all refuse is dropped', () => {
  const { offer, of, takes, refuses } = start('abc')
  const id = offer('a')
  expect([of(id), refuses(id)]).toEqual(['a', 'kept'])
  expect([of(id), refuses(id)]).toEqual(['b', 'kept'])
  expect([of(id), takes(id)]).toEqual(['c', 'over'])
  const other = offer('a')
  expect([refuses(other), refuses(other), refuses(other)]).toEqual(['kept', 'kept', 'over'])
  expect(of(offer('a'))).toBe('a')
})

test('what one was given is dropped when it ends, as it may have been spoken to', () => {
  const { handout, offer, of } = start()
  const [one, two, waiting] = [offer('a'), offer('b'), offer('a')]
  handout.gone('b')
  expect([of(one), of(two), of(waiting)]).toEqual(['a', 'dropped', undefined])
  handout.gone('a')
  expect([of(one), of(waiting)]).toEqual(['dropped', 'dropped'])
})

test('what has not reached a worker that is alive is given up, and the worker goes on', () => {
  const { handout, offer, of, lost, load, pass, takes } = start('a')
  const [id, next] = [offer('a'), offer('a')]
  pass(4_900)
  handout.heard('a', load())
  pass(200)
  handout.heard('a', load())
  // It may just have come back from something long.
  expect(of(id)).toBe('a')
  pass(1_000)
  handout.heard('a', load())
  expect([of(id), lost, of(next)]).toEqual(['dropped', ['a'], 'a'])
  expect(takes(id)).toBe('over')
  takes(next)
  expect(of(offer('a'))).toBe('a')
})

test('a worker that is silent keeps what it was given', () => {
  const { handout, offer, of, load, pass, takes } = start('a')
  const id = offer('a')
  pass(60_000)
  handout.heard('a', load())
  takes(id)
  expect(of(id)).toBe('a')
})

test('where nobody says that it listens, whoever is free gets it, first whose turn it is', () => {
  const { offer, of, takes, gone } = start()
  const [one, two, three] = [offer('b', 80), offer('b', 80), offer('b', 80)]
  expect([of(one), of(two), of(three)]).toEqual(['b', 'a', undefined])
  takes(one)
  expect(of(three)).toBe('b')
  gone.add('a')
  takes(two)
  takes(three)
  expect(of(offer('a', 80))).toBe('b')
})
