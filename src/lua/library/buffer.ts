// The `buffer` library of Momentum's Lua: octets of a fixed room that are written in place. Offsets
// count from 0. Quirks of the original that scripts may build on are kept: a write sets the length to
// where it ends, also when that shortens it, and the second number of `slice` is a length.

import { bindClass, type HostFunction, type InternalError, type LuaClass } from '../binding.ts'
import { charge, longestString } from '../budget.ts'
import { LuaCallError } from '../error.ts'
import { textToNumber } from '../number.ts'
import { multiple, type LuaValue } from '../value.ts'
import { badArgument, integerArgument, textArgument } from './argument.ts'

interface OctetBuffer {
  /** All of its room; slices share it with what they are cut from. */
  readonly room: Buffer
  /** Octets in use. */
  length: number
}

export interface BufferLibrary {
  readonly functions: Record<string, HostFunction>
  /** The octets of a value that is a buffer. */
  readonly textOf: (value: LuaValue) => string | undefined
}

export function bufferLibrary(report: InternalError): BufferLibrary {
  const class_: LuaClass<OctetBuffer> = bindClass<OctetBuffer>(
    {
      name: 'buffer',
      text: (self) => textIn(self, 0, self.length),
      length: (self) => self.length,
      methods: {
        write(self, ...args) {
          const text = textArgument(args, 0, 'write')
          return write(self, Buffer.from(text, 'latin1'), offsetIn(args, 1, 'write', -1))
        },
        string(self, ...args) {
          const start = integerArgument(args, 0, 'string', 0)
          const end = integerArgument(args, 1, 'string', self.length)
          if (start < 0 || end < start || end > self.length) return undefined
          return textIn(self, start, end)
        },
        slice(self, ...args) {
          const start = integerArgument(args, 0, 'slice', 0)
          const length = integerArgument(args, 1, 'slice', self.length)
          if (start < 0 || length < 0 || start + length > self.room.length) return undefined
          charge(100)
          return class_.wrap({ room: self.room.subarray(start, start + length), length })
        },
        copy(self, ...args) {
          const target = class_.unwrap(args[0])
          if (target === undefined) throw badArgument(0, 'copy', 'buffer expected')
          const to = offsetIn(args, 1, 'copy', 0)
          const from = integerArgument(args, 2, 'copy', 0)
          const given = integerArgument(args, 3, 'copy', -1)
          const count = given === -1 ? self.length - from : given
          if (from < 0 || count < 0 || from + count > self.room.length) return 0
          return write(target, self.room.subarray(from, from + count), to)
        },
      },
    },
    report,
  )
  return {
    textOf(value) {
      const found = class_.unwrap(value)
      return found && textIn(found, 0, found.length)
    },
    functions: {
      new(...args) {
        if (args.length !== 1) return multiple()
        const [given] = args
        if (typeof given === 'string' && textToNumber(given) === undefined) {
          const made = makeBuffer(given.length)
          write(made, Buffer.from(given, 'latin1'), 0)
          return class_.wrap(made)
        }
        const size = integerArgument(args, 0, 'new')
        if (!(size >= 0)) throw badArgument(0, 'new', 'size must not be negative')
        return class_.wrap(makeBuffer(size))
      },
    },
  }
}

function makeBuffer(size: number): OctetBuffer {
  if (size > longestString()) throw new LuaCallError('not enough memory')
  charge(100 + size)
  return { room: Buffer.alloc(size), length: 0 }
}

/** Writes what there is room for and tells how much that was; offset -1 is the end. */
function write(target: OctetBuffer, octets: Buffer, offset: number): number {
  const start = offset === -1 ? target.length : offset
  if (start > target.room.length) return 0
  const written = octets.copy(target.room, start)
  charge(0, written)
  target.length = start + written
  return written
}

function offsetIn(
  args: readonly LuaValue[],
  index: number,
  name: string,
  otherwise: number,
): number {
  const offset = integerArgument(args, index, name, otherwise)
  if (offset < -1) throw badArgument(index, name, 'offset must not be negative')
  return offset
}

function textIn({ room }: OctetBuffer, start: number, end: number): string {
  charge(end - start)
  return room.toString('latin1', start, end)
}
