// Generated snippets give the same in a real Lua 5.1 as here, where the two dialects agree. LUA_RUNS is how
// many of each kind, LUA_SEED the seed, LUA_REFERENCE another interpreter: a build of thrLua checks the
// whole dialect.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KINDS } from './differential/kinds.ts'
import { REFERENCE_VERSION, byOurs, byReference } from './differential/reference.ts'

const RUNS = Number(process.env['LUA_RUNS'] ?? 300)
const SEED = Number(process.env['LUA_SEED'] ?? 1)
const isInstalled = REFERENCE_VERSION !== undefined || process.env['CI'] === 'true'

describe.skipIf(!isInstalled)('lua5.1 (skipped where it is not installed) and we agree on', () => {
  test.each(KINDS)('%s', { timeout: 20_000 + RUNS * 20 }, (_, snippet) => {
    const snippets = fc.sample(snippet, { numRuns: RUNS, seed: SEED })
    const [theirs, ours] = [byReference(snippets), byOurs(snippets)]
    const differing = snippets.findIndex((_source, at) => theirs[at] !== ours[at])
    if (differing < 0) return expect(theirs).toHaveLength(RUNS)
    // The same snippet again, made as small as it can be.
    return fc.assert(
      fc.property(snippet, (source) => {
        const [ourResult, theirResult] = [byOurs([source])[0], byReference([source])[0]]
        expect({ source, result: ourResult }).toEqual({ source, result: theirResult })
      }),
      { seed: SEED, path: String(differing), numRuns: RUNS },
    )
  })
})
