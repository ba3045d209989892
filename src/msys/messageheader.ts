// The header of a message or copy. Still open to policy when links and pixel are in, but for what says how
// the body is to be read.
import { addressComponent } from './addresscomponent.ts'
import { assertBodyOpen, assertWritable, replaceFields } from './content.ts'
import { declare } from './declaration.ts'
import type { MessageHandle } from './handle.ts'
import { readAddresses, readHeader, writeHeader } from './headeredit.ts'
import { any, optional, string } from './parameter.ts'
import { MESSAGE_STAGES } from './stage.ts'

const method = declare<MessageHandle>()

export const HEADER_METHODS = [
  method(
    'msg:header',
    [string('name'), any('value'), optional(string('mode'), 'replace')],
    {
      result: 'string[] | boolean',
      tier: 1,
      stages: MESSAGE_STAGES,
      doc: 'the values of a header field, decoded; with a value sets it, "" or nil deletes; modes replace, append, prepend',
      differs: 'CR, LF and NUL in a value become a space',
    },
    (msg, [name, value, mode], runtime, count) => {
      const { fields } = msg.current
      if (count < 2) return readHeader(fields, name)
      assertWritable(msg, 'msg:header')
      if (DESCRIBES_BODY.test(name)) assertBodyOpen(msg, 'msg:header', runtime)
      replaceFields(msg, writeHeader('msg:header', fields, name, value, mode))
      return true
    },
  ),
  method(
    'msg:address_header',
    [string('name'), addressComponent],
    {
      result: 'string[]',
      tier: 1,
      stages: MESSAGE_STAGES,
      doc: 'the addresses in all header fields of that name, or one component of each',
    },
    (msg, [name, component]) => readAddresses(msg.current.fields, name, component),
  ),
]

const DESCRIBES_BODY = /^content-(?:type|transfer-encoding)$/i
