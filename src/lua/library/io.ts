// The io library as far as scripts may have it: reading files below the configured folders, and the
// standard files, where output goes to where `print` goes and input is empty. Names, results and errors
// are those of Lua 5.1. A file is closed when the call that opened it ends.

import type { HostFunction, InternalError } from '../binding.ts'
import { currentCall, hold } from '../call.ts'
import { LuaCallError } from '../error.ts'
import { failed, type Failure, type Files } from '../files.ts'
import type { LuaUserdata } from '../value.ts'
import { badArgument, textArgument } from './argument.ts'
import {
  closeByScript,
  closeFile,
  failure,
  fileClass,
  flush,
  lineIterator,
  makeFile,
  writeTo,
  type OpenFile,
  type TextOf,
} from './file.ts'
import { openReader } from './reader.ts'
import type { LineWriter } from './writer.ts'

export interface IoOptions {
  readonly files: Files
  readonly output: LineWriter
  readonly report: InternalError
  readonly textOf: TextOf
}

/** The library by name, standard files included. */
export function ioLibrary(options: IoOptions): Record<string, HostFunction | LuaUserdata> {
  const { files, output, report, textOf } = options
  const handles = fileClass(report, textOf)
  const open = fileOpener(files)
  const [stdin, stdout, stderr] = [undefined, output, output].map((writer, index) =>
    handles.wrap(makeFile(index, { writer, isStandard: true })),
  ) as [LuaUserdata, LuaUserdata, LuaUserdata]
  return {
    stdin,
    stdout,
    stderr,
    input: onlyStandard('input', stdin),
    output: onlyStandard('output', stdout),
    open(...args) {
      const path = textArgument(args, 0, 'open')
      const mode = args[1] === undefined ? 'r' : textArgument(args, 1, 'open')
      if (/^(?:[wa]|r.*\+)/s.test(mode)) throw notAllowed(`io.open with mode '${mode}'`)
      const file = mode.startsWith('r') ? open(path) : failed('EINVAL')
      return 'kind' in file ? failure(file, path) : handles.wrap(file)
    },
    lines(...args) {
      if (args[0] === undefined) return lineIterator(undefined, false, report)
      const path = textArgument(args, 0, 'lines')
      const file = open(path)
      if ('kind' in file) throw badArgument(0, 'lines', `${path}: ${file.text}`)
      return lineIterator(file, true, report)
    },
    read: () => undefined,
    write: (...args) => writeTo(output, args, textOf),
    flush: () => flush(output),
    close(...args) {
      const file = handles.unwrap(args.length === 0 ? stdout : args[0])
      if (file === undefined) throw badArgument(0, 'close', 'FILE* expected')
      return closeByScript(file)
    },
    type(...args) {
      if (args.length === 0) throw badArgument(0, 'type', 'value expected')
      const file = handles.unwrap(args[0])
      return file && (file.isClosed ? 'closed file' : 'file')
    },
  }
}

// So that a script that forgets to close cannot use up the process's descriptors.
const MAX_OPEN = 256
const STANDARD_FILES = 3

function fileOpener(files: Files): (path: string) => OpenFile | Failure {
  let opened = 0
  let count = STANDARD_FILES
  return (path) => {
    if (opened >= MAX_OPEN) return failed('EMFILE')
    const found = files.open(path)
    if (found.kind === 'failed') return found
    const reader = openReader(found.fd)
    opened++
    const close = (): void => {
      opened--
      reader.close()
    }
    const file = makeFile(count++, { reader: { ...reader, close }, isStandard: false })
    const call = currentCall()
    if (call !== undefined) file.drop = hold(call, () => closeFile(file))
    return file
  }
}

function onlyStandard(name: string, file: LuaUserdata): HostFunction {
  return (...args) => {
    if (args[0] === undefined || args[0] === file) return file
    throw notAllowed(`io.${name} with another file`)
  }
}

function notAllowed(what: string): LuaCallError {
  return new LuaCallError(`${what} is not available: scripts may only read files`)
}
