// The body of a message, its text parts, and the whole message. Momentum manual pages "lua.ref.msg_body",
// "lua.ref.msg_raw", "lua.ref.msg_text". A body is given without the end-of-data mark (CRLF.CRLF), and a
// mark at the end of what policy sets is taken off.
import { multiple } from '../lua/value.ts'
import { fromBytes, toBytes } from '../mail/bytes.ts'
import { writeText } from '../mime/content.ts'
import { makeField, splitHeader } from '../mime/field.ts'
import { appendFields, findFields, removeFields } from '../mime/header.ts'
import { canonicalLines } from '../mime/line.ts'
import { describeFields } from '../mime/part.ts'
import { textOf, textParts } from '../mime/treetext.ts'
import { RENDER_OMIT_DOT } from './constants.ts'
import { assertBodyOpen, contentOf, rawOf, readingTree, replaceContent } from './content.ts'
import { declare } from './declaration.ts'
import type { EcString } from './ecstring.ts'
import type { MessageHandle } from './handle.ts'
import type { IoObject } from './ioobject.ts'
import { asObject, number, optional, type Parameter, string } from './parameter.ts'
import { MESSAGE_STAGES } from './stage.ts'

const method = declare<MessageHandle>()

const stages = MESSAGE_STAGES

export const BODY_METHODS = [
  method(
    'msg:body',
    [optional(string('text'))],
    {
      result: 'string',
      tier: 1,
      stages,
      doc: 'the body as it stands, still encoded; sets it',
      differs: 'the end-of-data mark may be missing from what is set; lone CR and LF become CRLF',
    },
    (msg, [text], runtime) => {
      if (text !== undefined) {
        assertBodyOpen(msg, 'msg:body', runtime)
        const { fields, separator } = contentOf(msg)
        replaceContent(msg, { fields, separator, body: toBytes(withoutEndMark(text)) }, REPLACED)
      }
      return fromBytes(contentOf(msg).body)
    },
  ),
  method(
    'msg:raw',
    [optional(string('text'))],
    {
      result: 'string, number',
      tier: 1,
      stages,
      doc: 'the whole message and its length; sets it',
      differs: 'as msg:body',
    },
    (msg, [text], runtime) => {
      if (text !== undefined) {
        assertBodyOpen(msg, 'msg:raw', runtime)
        replaceRaw(msg, text)
      }
      const raw = fromBytes(rawOf(msg))
      return multiple(raw, raw.length)
    },
  ),
  method(
    'msg:text',
    [optional(string('text')), optional(string('type')), optional(string('charset'))],
    {
      result: 'string | string[] | nil',
      tier: 1,
      stages,
      doc: 'the text parts as UTF-8, a table when there are several; sets the whole body',
      differs:
        'without a type, a message that is a single text keeps its own; characters that the charset lacks make it UTF-8',
    },
    (msg, [text, type, charset], runtime) => {
      if (text !== undefined) {
        assertBodyOpen(msg, 'msg:text', runtime)
        replaceText(msg, text, type, charset)
      }
      const texts = textParts(readingTree(msg).root).map((part) => textOf(part))
      const known = texts.filter((found) => found !== undefined)
      return known.length > 1 ? known : known[0]
    },
  ),
  method(
    'msg:get_message_size',
    [],
    { result: 'number', tier: 1, stages, doc: 'octets, header included' },
    (msg) => {
      const { fields, separator, body } = contentOf(msg)
      return fields.reduce((sum, { bytes }) => sum + bytes.length, separator.length + body.length)
    },
  ),
  method(
    'msg:render_to_string',
    [target('target'), optional(number('flags'), 0)],
    {
      result: 'nil',
      tier: 2,
      stages,
      doc: 'writes the message into an ec_string or io_object; with the end-of-data mark unless EC_MSG_RENDER_OMIT_DOT',
    },
    (msg, [into, flags]) => {
      const raw = fromBytes(rawOf(msg))
      const mark = (flags & RENDER_OMIT_DOT) === RENDER_OMIT_DOT ? '' : markAfter(raw)
      if (into.kind === 'ec_string') into.text = raw + mark
      else into.text += raw + mark
    },
  ),
]

/** Text without the end-of-data mark that policy may have put there. */
export function withoutEndMark(text: string): string {
  if (text === END_MARK) return ''
  return text.endsWith(`\r\n${END_MARK}`) ? text.slice(0, -END_MARK.length) : text
}

/** What ends a text with the end-of-data mark. */
export function markAfter(text: string): string {
  return text === '' || text.endsWith('\r\n') ? END_MARK : `\r\n${END_MARK}`
}

/** Makes the message what policy says it is. */
export function replaceRaw(msg: MessageHandle, text: string): void {
  const bytes = canonicalLines(toBytes(withoutEndMark(text)))
  replaceContent(msg, splitHeader(bytes), 'the message was replaced')
}

export const REPLACED = 'the body was replaced'

const END_MARK = '.\r\n'

function replaceText(
  msg: MessageHandle,
  text: string,
  type: string | undefined,
  charset: string | undefined,
): void {
  const { fields, separator, body } = contentOf(msg)
  const { type: own } = describeFields(fields).type
  const kept = removeFields(removeFields(fields, 'Content-Disposition'), 'Content-ID')
  const described = { fields: kept, content: body }
  const plain = withoutEndMark(text)
  const written = writeText(
    described,
    plain,
    type ?? (own.startsWith('text/') ? own : 'text/plain'),
    charset,
  )
  const versioned =
    findFields(written.fields, 'MIME-Version').length > 0
      ? written.fields
      : appendFields(written.fields, [makeField('MIME-Version', '1.0')])
  replaceContent(msg, { fields: versioned, separator, body: written.content }, REPLACED)
}

/** Where octets can be written to. */
function target(name: string): Parameter<EcString | IoObject> {
  return {
    name,
    expects: 'ec_string or io_object',
    read: (value) =>
      asObject<EcString>(value, 'ec_string') ?? asObject<IoObject>(value, 'io_object'),
  }
}
