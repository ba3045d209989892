// Expectations give back what they were about, so that they can be chained.
import type { HostMethod } from '../lua/binding.ts'
import type { LuaValue } from '../lua/value.ts'

/** Each raises where something does not hold. */
export type Expectations<T> = Readonly<Record<string, (self: T, ...args: LuaValue[]) => void>>

export function chained<T>(
  expectations: Expectations<T>,
  wrap: (self: T) => LuaValue,
): Record<string, HostMethod<T>> {
  const methods = Object.entries(expectations).map(([name, expect]): [string, HostMethod<T>] => [
    name,
    (self, ...args) => {
      expect(self, ...args)
      return wrap(self)
    },
  ])
  return Object.fromEntries(methods)
}
