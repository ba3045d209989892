// Which parts of a message are its text: at most one text/html and one text/plain (Momentum's "top"
// parts). Attachments, signed or encrypted containers, reports and attached messages are never looked
// into (RFC 1847, RFC 8551), because changing them would break or falsify them.
import { fieldValue } from '../mime/field.ts'
import { findFields } from '../mime/header.ts'
import type { Part } from '../mime/part.ts'

export interface BodyParts {
  readonly html?: Part
  readonly plain?: Part
}

export function findBodyParts(root: Part): BodyParts {
  return search(root, true)
}

/** Parts whose content belongs together with a signature, a report or another message. */
export function isSealedType(type: string): boolean {
  return SEALED_TYPES.has(type) || type.startsWith('message/')
}

const SEALED_TYPES: ReadonlySet<string> = new Set([
  'multipart/signed',
  'multipart/encrypted',
  'multipart/report',
  'multipart/digest',
  'application/pkcs7-mime',
  'application/x-pkcs7-mime',
])

function search(part: Part, isFirst: boolean): BodyParts {
  const { type } = part.type
  if (isSealedType(type)) return {}
  if (type === 'text/html') return isBody(part, isFirst) ? { html: part } : {}
  if (type === 'text/plain') return isBody(part, isFirst) ? { plain: part } : {}
  if (!type.startsWith('multipart/')) return {}
  if (type === 'multipart/alternative') return searchAlternatives(part.children)
  if (type === 'multipart/related') {
    const root = relatedRoot(part)
    return root ? search(root, isFirst) : {}
  }
  return searchMixed(part.children, isFirst)
}

/** The first plain text; of several HTML alternatives the last, which readers prefer. */
function searchAlternatives(children: readonly Part[]): BodyParts {
  let found: BodyParts = {}
  for (const child of children) {
    const { html = found.html, plain } = search(child, isEmpty(found))
    found = merged(html, found.plain ?? plain)
  }
  return found
}

/** The first child that has a text; one HTML sibling still completes a plain text. */
function searchMixed(children: readonly Part[], isFirst: boolean): BodyParts {
  let found: BodyParts = {}
  for (const child of children) {
    if (isEmpty(found)) found = search(child, isFirst)
    else if (!found.html && child.type.type === 'text/html' && isBody(child, false)) {
      return merged(child, found.plain)
    }
  }
  return found
}

/** RFC 2387 §3.2: the part that `start` names, else the first. */
function relatedRoot(part: Part): Part | undefined {
  const start = part.type.parameters.get('start')?.trim()
  const named = start && part.children.find((child) => contentId(child) === start)
  return named || part.children[0]
}

function contentId(part: Part): string | undefined {
  const field = findFields(part.fields, 'Content-ID')[0]
  return field && fieldValue(field).trim()
}

/** A name makes a file of a text part, unless it is the first text of all. */
function isBody(part: Part, isFirst: boolean): boolean {
  if (part.disposition.kind === 'attachment') return false
  const hasName = part.disposition.parameters.has('filename') || part.type.parameters.has('name')
  return isFirst || !hasName
}

function isEmpty(found: BodyParts): boolean {
  return !found.html && !found.plain
}

function merged(html: Part | undefined, plain: Part | undefined): BodyParts {
  return { ...(html && { html }), ...(plain && { plain }) }
}
