import { expect, test } from 'vitest'
import { makeRoom } from '../../src/relay/room.ts'

const MB = 1024 * 1024

function start(maxBytes: number) {
  const room = makeRoom(maxBytes)
  const inside: string[] = []
  const enter = (name: string, bytes: number): (() => void) => {
    let leave = (): void => {}
    const entering = room.enter(bytes)
    const come = (go: () => void): void => {
      inside.push(name)
      leave = go
    }
    if (entering instanceof Promise) void entering.then(come)
    else come(entering)
    return () => {
      inside.splice(inside.indexOf(name), 1)
      leave()
      leave()
    }
  }
  return { inside, enter }
}

test('large copies come in as far as there is room, the others in their order', async () => {
  const { inside, enter } = start(10 * MB)
  const leaveA = enter('a', 6 * MB)
  const leaveB = enter('b', 4 * MB)
  enter('c', 7 * MB)
  enter('d', 2 * MB)
  expect(inside).toEqual(['a', 'b'])
  leaveB()
  await Promise.resolve()
  // Not past the one that waits.
  expect(inside).toEqual(['a'])
  leaveA()
  await Promise.resolve()
  expect(inside).toEqual(['c', 'd'])
})

test('one that is larger than all the room comes in alone', async () => {
  const { inside, enter } = start(10 * MB)
  const leaveA = enter('a', 50 * MB)
  enter('b', 2 * MB)
  expect(inside).toEqual(['a'])
  leaveA()
  await Promise.resolve()
  expect(inside).toEqual(['b'])
})

test('small copies do not ask', () => {
  const { inside, enter } = start(10 * MB)
  enter('a', 50 * MB)
  enter('b', 20_000)
  expect(inside).toEqual(['a', 'b'])
})
