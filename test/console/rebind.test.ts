// rebind: which copies policy is asked about, what becomes of them, what it says.
import { expect, test } from 'vitest'
import { rebindCommand } from '../../src/console/rebind.ts'
import type { Egress } from '../../src/mail/envelope.ts'
import type { WayFor } from '../../src/relay/rerouting.ts'
import type { Test } from '../../src/relay/surgery.ts'
import type { Way } from '../../src/spool/stored.ts'
import { copyFor, entryFor, storedFor } from '../spool/fixtures.ts'
import { askWorkers } from '../support/fleet.ts'

const ONE: Egress = { group: 'g', binding: 'one' }
const TWO: Egress = { group: 'g', binding: 'two' }
const ENTRY = entryFor(
  'm',
  copyFor('a@x.example', { egress: ONE }),
  copyFor('b@y.example', { egress: ONE }),
  copyFor('c@x.example'),
)

/** Policy gives every copy `now`. */
function queueOf(now: () => Egress | undefined) {
  const stored = storedFor(ENTRY)
  const changed: [copy: number, way: Way][] = []
  const relay = {
    async reroute(isMeant: Test, wayFor: WayFor) {
      let left = 0
      let failure = ''
      for (const copy of ENTRY.copies.keys()) {
        if (!isMeant({ stored, copy })) continue
        try {
          const way = await wayFor({ stored, copy })
          if (way) changed.push([copy, way])
        } catch (error) {
          left++
          failure ||= String(error)
        }
      }
      return { count: changed.length, left, failure }
    },
  }
  const bindingNow = () => Promise.resolve().then(now)
  const run = (argv: readonly string[]) => rebindCommand({ relay, bindingNow }, argv)
  return { changed, run, say: async (line: string) => (await run(line.split(' ')))?.text }
}

test('mail of a binding, of one domain of it, or all', async () => {
  const { say, changed } = queueOf(() => TWO)
  expect(await say('rebind one x.example')).toBe(
    'Rebound 1 messages.\n1 of them go by another binding now.\n',
  )
  expect(changed.splice(0)).toEqual([[0, { routingDomain: 'x.example', egress: TWO }]])
  expect(await say('rebind one')).toMatch(/^Rebound 2 messages/)
  expect(changed.splice(0).map(([copy]) => copy)).toEqual([0, 1])
  expect(await say('rebind all')).toMatch(/^Rebound 3 messages\.\n3 of them/)
  expect(await say('rebind default')).toMatch(/^Rebound 1 messages/)
})

test('what policy gives the binding that it has stays as it is; the default one is a binding, too', async () => {
  const { say, changed } = queueOf(() => undefined)
  expect(await say('rebind all')).toBe(
    'Rebound 3 messages.\n2 of them go by another binding now.\n',
  )
  expect(changed).toEqual([
    [0, { routingDomain: 'x.example' }],
    [1, { routingDomain: 'y.example' }],
  ])
})

test('what policy fails for stays as it was, and says why', async () => {
  const { run } = queueOf(() => {
    throw new Error('validate_set_binding: no')
  })
  expect(await run(['rebind', 'one'])).toEqual({
    isOk: false,
    text: 'Rebound 0 messages.\n0 of them go by another binding now.\n2 messages stay as they were: Error: validate_set_binding: no\n',
    data: { rebound: 0, changed: 0, failed: 2, failure: 'Error: validate_set_binding: no' },
  })
})

test.each(['rebind', 'rebind --all', 'rebind one x.example more'])('usage: %s', async (line) => {
  const { say, changed } = queueOf(() => TWO)
  expect(await say(line)).toBe('usage: rebind BINDING|all [DOMAIN]\n')
  expect(changed).toEqual([])
})

test('several workers answer as one', async () => {
  const [a, b] = [queueOf(() => TWO), queueOf(() => undefined)]
  expect((await askWorkers([a.run, b.run], 'rebind one')).text).toBe(
    'Rebound 4 messages.\n4 of them go by another binding now.\n',
  )
})
