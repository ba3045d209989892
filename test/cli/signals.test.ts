import { expect, onTestFinished, test, vi } from 'vitest'
import type { Control } from '../../src/console/control.ts'
import { holdReload, type Serving, untilSignal } from '../../src/cli/signals.ts'
import type { Supervisor } from '../../src/cli/systemd.ts'

const SIGNALS = ['SIGHUP', 'SIGTERM', 'SIGINT', 'SIGUSR2'] as const

test('a reload that is asked for before the server is there is made once it is', async () => {
  const before = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]))
  onTestFinished(() => {
    for (const signal of SIGNALS) {
      const own = process.listeners(signal).filter((each) => !before.get(signal)?.includes(each))
      for (const listener of own) process.off(signal, listener)
    }
  })
  const reload = vi.fn<() => Promise<boolean>>(() => Promise.resolve(true))
  holdReload()
  process.emit('SIGHUP')
  const parts: unknown = { smtp: [], http: [], reload }
  const supervisor: unknown = { ready: () => {}, reloading: () => {} }
  const control: unknown = {}
  void untilSignal(parts as Serving, control as Control, supervisor as Supervisor)
  await expect.poll(() => reload.mock.calls.length).toBe(1)
  process.emit('SIGHUP')
  expect(reload).toHaveBeenCalledTimes(2)
})
