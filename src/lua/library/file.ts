// An open file of the io library: its methods, with the results and errors of Lua 5.1.

import { bindClass, bindFunction, type HostFunction, type InternalError } from '../binding.ts'
import type { LuaClass } from '../binding.ts'
import { NATIVE, lobject } from '../engine.ts'
import { LuaCallError } from '../error.ts'
import { failed, type Failure } from '../files.ts'
import { fromLua, multiple, type LuaValue, type Multiple } from '../value.ts'
import { badArgument, integerArgument, textArgument, wordArgument } from './argument.ts'
import type { Reader } from './reader.ts'
import type { LineWriter } from './writer.ts'

export interface OpenFile {
  readonly id: number
  readonly reader: Reader | undefined
  readonly writer: LineWriter | undefined
  readonly isStandard: boolean
  isClosed: boolean
  /** Takes it off what its call holds. */
  drop: () => void
}

export type FileResult = LuaValue | Multiple

/** The octets of another value that may be written, such as a buffer. */
export type TextOf = (value: LuaValue) => string | undefined

/** The class of file handles. */
export function fileClass(report: InternalError, textOf: TextOf): LuaClass<OpenFile> {
  return bindClass<OpenFile>(
    {
      name: 'FILE*',
      text: (file) => (file.isClosed ? 'file (closed)' : `file (0x${hexadecimal(file.id)})`),
      methods: {
        read: (file, ...formats) => read(usable(file), formats),
        lines(file) {
          usable(file)
          return lineIterator(file, false, report)
        },
        seek: (file, ...args) => seek(usable(file), args),
        write: (file, ...args) => writeTo(usable(file).writer, args, textOf),
        flush: (file) => flush(usable(file).writer),
        setvbuf(file, ...args) {
          usable(file)
          wordArgument(args, 0, 'setvbuf', ['no', 'full', 'line'], 'no')
          return true
        },
        close: closeByScript,
      },
    },
    report,
  )
}

export function makeFile(
  id: number,
  given: Partial<OpenFile> & Pick<OpenFile, 'isStandard'>,
): OpenFile {
  return { reader: undefined, writer: undefined, isClosed: false, drop() {}, ...given, id }
}

function usable(file: OpenFile): OpenFile {
  if (!file.isClosed) return file
  throw new LuaCallError('attempt to use a closed file')
}

export function closeByScript(file: OpenFile): FileResult {
  usable(file)
  if (file.isStandard) return multiple(undefined, 'cannot close standard file')
  file.drop()
  closeFile(file)
  return true
}

export function closeFile(file: OpenFile): void {
  if (file.isClosed) return
  file.isClosed = true
  file.reader?.close()
}

function nextLine(file: OpenFile, closes: boolean): LuaValue {
  if (file.isClosed) throw new LuaCallError('file is already closed')
  const line = file.reader?.line()
  if (line === undefined && closes) closeByScript(file)
  return line
}

function read(file: OpenFile, formats: readonly LuaValue[]): FileResult {
  const results: LuaValue[] = []
  for (const index of (formats.length === 0 ? ['*l'] : formats).keys()) {
    results.push(readOne(file.reader, formats, index))
    if (results.at(-1) === undefined) break
  }
  return multiple(...results)
}

function readOne(
  reader: Reader | undefined,
  formats: readonly LuaValue[],
  index: number,
): LuaValue {
  const format = formats.length === 0 ? '*l' : formats[index]
  if (typeof format === 'number') {
    const count = Math.trunc(format)
    if (count !== 0) return reader?.octets(count < 0 ? Infinity : count)
    return reader === undefined || reader.isAtEnd() ? undefined : ''
  }
  if (typeof format !== 'string' || format[0] !== '*') {
    throw badArgument(index, 'read', 'invalid option')
  }
  switch (format[1]) {
    case 'l':
      return reader?.line()
    case 'n':
      return reader?.number()
    case 'a':
      return reader?.all() ?? ''
    default:
      throw badArgument(index, 'read', 'invalid format')
  }
}

function seek(file: OpenFile, args: readonly LuaValue[]): FileResult {
  const from = wordArgument(args, 0, 'seek', ['set', 'cur', 'end'], 'cur')
  const offset = integerArgument(args, 1, 'seek', 0)
  if (file.reader === undefined) return multiple(undefined, 'Illegal seek', 29)
  return file.reader.seek(from, offset) ?? failure(failed('EINVAL'))
}

export function writeTo(
  writer: LineWriter | undefined,
  args: readonly LuaValue[],
  textOf: TextOf,
): FileResult {
  const texts = args.map((value, index) => textOf(value) ?? textArgument(args, index, 'write'))
  if (writer === undefined) return multiple(undefined, 'Bad file descriptor', 9)
  for (const text of texts) writer.write(text)
  return true
}

export function flush(writer: LineWriter | undefined): boolean {
  writer?.flush()
  return true
}

export function failure({ text, number }: Failure, path?: string): Multiple {
  return multiple(undefined, path === undefined ? text : `${path}: ${text}`, number)
}

/** What a generic `for` over lines calls; `closes` the file after the last line. */
export function lineIterator(
  file: OpenFile | undefined,
  closes: boolean,
  report: InternalError,
): LuaValue {
  const next: HostFunction = () => file && nextLine(file, closes)
  return fromLua(new lobject.TValue(NATIVE, bindFunction('lines', next, report)))
}

function hexadecimal(id: number): string {
  return id.toString(16).padStart(12, '0')
}
