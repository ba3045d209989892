// Files (Momentum: "lua.ref.msys.readfile", "lua.ref.msys.core.io_wrapper_open"): regular ones below the
// folders that the configuration names. A `jlog://path=>subscriber` is a plain file with a line for each
// thing written.
import { later } from '../lua/binding.ts'
import { longestString } from '../lua/budget.ts'
import { hold } from '../lua/call.ts'
import { LuaCallError } from '../lua/error.ts'
import { multiple } from '../lua/value.ts'
import type { FileFailure, FileStore } from '../outside/outside.ts'
import { CORE_CONSTANTS } from './constants.ts'
import { declare } from './declaration.ts'
import { fileObject, ioObject, type IoObject } from './ioobject.ts'
import { number, optional, string } from './parameter.ts'
import { runningCall } from './waiting.ts'

const fn = declare<undefined>()
const ROOTS =
  'only regular files below `file_roots`, or the folders of scripts where there are none'

const ACCESS = 3
const { O_RDONLY = 0, O_RDWR = 2, O_CREAT = 0, O_APPEND = 0 } = CORE_CONSTANTS

export const FILE_FUNCTIONS = [
  fn(
    'msys.readfile',
    [string('path')],
    {
      result: 'string | nil, error',
      tier: 2,
      doc: 'all of a file, by path or `file://` URI',
      differs: ROOTS,
    },
    (_, [path], { outside }) => {
      const maxBytes = longestString()
      return later(async () => {
        const file = await outside.files.read(path.replace(/^file:\/\//, ''), maxBytes)
        return file.kind === 'read' ? file.octets : failed('msys.readfile', file)
      })
    },
  ),
  fn(
    'msys.core.io_wrapper_open',
    [string('path'), optional(number('options'), O_RDONLY), optional(number('mode'), 0o644)],
    {
      result: 'io_object | nil, error',
      tier: 1,
      doc: 'opens a file; `options` are O_ constants, `jlog://path=>subscriber` is a plain file of lines',
      differs: `${ROOTS}; writing suspends the callout instead of the server`,
    },
    (_, [name, options, mode], { outside, wrap }) => {
      const call = runningCall('msys.core.io_wrapper_open')
      const maxBytes = longestString()
      return later(async () => {
        const opened = await open(outside.files, name, { options, mode, maxBytes })
        if (opened.kind !== 'io_object') return failed('msys.core.io_wrapper_open', opened)
        hold(call, (end) => {
          if (end === 'killed') void opened.file?.close()
        })
        return wrap(opened)
      })
    },
  ),
]

interface Opening {
  readonly options: number
  readonly mode: number
  readonly maxBytes: number
}

async function open(
  files: FileStore,
  name: string,
  { options, mode, maxBytes }: Opening,
): Promise<IoObject | FileFailure> {
  const [, journal] = /^jlog:\/\/(.*?)(?:=>.*)?$/s.exec(name) ?? []
  const path = journal ?? name.replace(/^file:\/\//, '')
  const access = options & ACCESS
  let octets = ''
  if (access === O_RDONLY || access === O_RDWR) {
    const found = await files.read(path, maxBytes)
    if (found.kind === 'read') ({ octets } = found)
    else if (access === O_RDONLY || (options & O_CREAT) === 0) return found
  }
  if (access === O_RDONLY) return ioObject(octets)
  const isJournal = journal !== undefined
  const file = await files.openToWrite(path, {
    create: isJournal || (options & O_CREAT) !== 0,
    append: isJournal || (options & O_APPEND) !== 0,
    mode,
  })
  return file.kind === 'opened' ? fileObject(file, octets, isJournal) : file
}

function failed(name: string, failure: FileFailure) {
  if (failure.kind === 'refused') throw new LuaCallError(`${name}: ${failure.text}`)
  return multiple(undefined, failure.text)
}
