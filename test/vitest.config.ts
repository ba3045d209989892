// How the tests run: from the repository's root, on the TypeScript sources, after a build that is not stale.
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts'],
    // Some start a process twenty times, on machines several times as slow as another.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    // Of the machine: each server and command that a test starts would read a hundred certificates.
    env: { NODE_EXTRA_CA_CERTS: '' },
    pool: 'forks',
    // One more than cores: many wait for a server that starts, or for a second to pass.
    maxWorkers: Math.min(availableParallelism() + 1, 6),
    // Nothing here keeps state between files; a process for each would cost more than the tests.
    isolate: false,
  },
})
