// What a class of objects looks like to Lua: its methods and fields, and how it behaves as a value.
import type { HostResult } from '../lua/binding.ts'
import type { LuaValue } from '../lua/value.ts'
import type { Binding, FieldBinding } from './declaration.ts'
import type { ApiObject } from './handle.ts'
import type { Runtime } from './runtime.ts'

export interface ClassShape<T extends ApiObject> {
  readonly kind: T['kind']
  /** What `msys.type` answers. */
  readonly className: string
  /** As policy writes the object: `msg`. */
  readonly prefix: string
  readonly methods: readonly Binding<T>[]
  readonly fields: readonly FieldBinding<T>[]
  /** For `tostring` and `..`. */
  text?(self: T): string
  /** For `#`. */
  length?(self: T): number
  /** For a generic `for`: iterator function, state, control. */
  iterate?(self: T, runtime: Runtime): HostResult
  /** Keys that are neither method nor field; without it they raise. */
  index?(self: T, key: LuaValue, runtime: Runtime): LuaValue
  newIndex?(self: T, key: LuaValue, value: LuaValue): void
}

/** A shape whose objects are of any kind, for lists of classes. */
// oxlint-disable-next-line typescript/no-explicit-any -- methods take their own kind of object only
export type AnyShape = ClassShape<any>
