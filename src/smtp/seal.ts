// From a copy as policy left it to what is spooled: links and pixel put in, the bytes to send as ranges,
// the facts for events. One Sealing per received message: what its copies share is made once.
import type { ListenerOptions } from '../config/config.ts'
import { lowerCase } from '../mail/bytes.ts'
import { type Context, contextChanges, lookUp } from '../mail/context.ts'
import { routingDomain } from '../mail/envelope.ts'
import type { Message } from '../mail/message.ts'
import {
  messageData,
  type MessageData,
  type Piece,
  pushPiece,
  type Rendition,
  openRenderer,
  type Renderer,
  renderedLength,
} from '../mail/rendition.ts'
import type { Reply } from '../mail/reply.ts'
import type { Field } from '../mime/field.ts'
import type { EntryCopy } from '../spool/entry.ts'
import { type Explain, explainLines } from '../tracking/explain.ts'
import type { Keyring } from '../tracking/keyring.ts'
import {
  apiVariables,
  type Resolution,
  resolveTracking,
  type TrackingSettings,
} from '../tracking/options.ts'
import { openSealer } from '../tracking/token.ts'
import { openTransform, type Transform } from '../tracking/transform.ts'
import { readApiHeader, removeApiHeader } from '../tracking/xmsysapi.ts'
import { copyFacts, customFacts } from './facts.ts'

export interface SealingOptions {
  readonly keyring: Keyring
  /** 16 octets. */
  readonly salt: Buffer
  readonly isTrackingEnabled: boolean
  /** Whether the log tells what was done to every link. */
  readonly isExplained: boolean
  /** Whether explanations are kept, and all that was found in a body with them. */
  readonly isLookedAt: boolean
  readonly includeMetadata: boolean
  readonly maxMetadataLength: number
  readonly growthLimit: number
  readonly customPrefix: string
  readonly listener: ListenerOptions
  /** The dictionaries of the message, which each copy began with. */
  readonly common: Context
  readonly transmissionId: string
  readonly nowSeconds: number
  newMessageId(): string
  /** Warnings about settings, failures in a part, explanations: for paniclog. */
  log(text: string): void
}

/** What the transform made of one copy, until its last callouts have run. */
export interface TrackedCopy {
  readonly kind: 'tracked'
  /** The header to go on with: X-MSYS-API is gone. */
  readonly fields: readonly Field[]
  readonly messageId: string
  readonly rawRcptTo: string
  readonly settings: TrackingSettings
  readonly pieces: readonly Piece[]
  readonly holes: readonly string[]
  readonly explain: (() => Explain) | undefined
}

export interface Sealing {
  readonly data: MessageData
  /** Resolves the settings of a copy and puts its links and pixel in. */
  track(message: Message, rawRcptTo: string): TrackedCopy | { kind: 'refused'; reply: Reply }
  /** The body as it will be sent. */
  bodyOf(message: Message, tracked: TrackedCopy): Buffer
  /** The copy to spool, with the header that policy has left it. */
  seal(message: Message, tracked: TrackedCopy): EntryCopy
}

export function openSealing(original: Buffer, options: SealingOptions): Sealing {
  const data = messageData(original)
  const layout = sharedLayout(data)
  const bodies = wholeBodies(data)
  const warn = warnOnce(options)
  const renderBody = growingRenderer(data)
  let transform: Transform | undefined
  const openOnce = (): Transform =>
    (transform ??= openTransform({
      data,
      sealer: openSealer(options.keyring, options.salt),
      ...options,
    }))

  return {
    data,
    track(message, rawRcptTo) {
      const resolved = resolve(message, options, warn)
      if (resolved.kind === 'refused') return resolved
      const { settings } = resolved
      const messageId = options.newMessageId()
      const isWanted = settings.opens || settings.clicks
      const isTracked = options.isTrackingEnabled && isWanted && !message.isTracked
      if (!isTracked) return { messageId, rawRcptTo, settings, ...untracked(message, bodies) }
      const { fields, pieces, holes, explain, failures } = openOnce().apply(message, settings, {
        messageId,
        rcptTo: lowerCase(message.envelope.rcptto.text),
        rawRcptTo,
        transmissionId: options.transmissionId,
        mailfrom: message.envelope.mailfrom.text,
        custom: customFacts(message.context, options.customPrefix),
        sentSeconds: options.nowSeconds,
      })
      for (const failure of failures) warn(`${message.batchId}: ${failure}`)
      if (options.isExplained) logExplain(options, `${message.id} ${rawRcptTo}`, explain())
      const kept = options.isLookedAt ? explain : undefined
      return {
        kind: 'tracked',
        fields,
        pieces,
        holes,
        explain: kept,
        messageId,
        rawRcptTo,
        settings,
      }
    },
    bodyOf: ({ separator }, tracked) => renderBody(tracked).bytes.subarray(separator.length),
    seal: (message, tracked) => entryCopy(message, tracked, options, layout),
  }
}

/** The data of a message grows, but copies of one template have all they need when the first of them is made. */
function growingRenderer(data: MessageData): Renderer {
  let known: { readonly sizeBytes: number; readonly renderOne: Renderer } | undefined
  return (rendition) => {
    if (known?.sizeBytes !== data.sizeBytes()) {
      known = { sizeBytes: data.sizeBytes(), renderOne: openRenderer(data.bytes()) }
    }
    return known.renderOne(rendition)
  }
}

function logExplain({ log }: SealingOptions, copy: string, explain: Explain): void {
  for (const line of explainLines(explain)) log(`${copy}: ${line}`)
}

/** What holds for many copies is said for the first. */
function warnOnce({ log }: SealingOptions): (text: string) => void {
  const said = new Set<string>()
  return (text) => {
    if (!said.has(text)) log(text)
    said.add(text)
  }
}

function resolve(
  message: Message,
  options: SealingOptions,
  warn: (text: string) => void,
): Resolution {
  const api = readApiHeader(message.fields)
  if (api.kind === 'refused') return api
  const { context } = message
  const variable = (name: string): string | undefined => lookUp(context, name)
  const settings = api.kind === 'settings' ? api.settings : undefined
  for (const [name, value] of settings ? apiVariables(settings, variable) : []) {
    context.message.set(name, value)
  }
  const resolved = resolveTracking({
    context: variable,
    api: settings,
    defaults: options.listener.tracking,
    customerId: lookUp(context, 'mo_customer_id'),
    isSigned: message.fields.some(({ key }) => key === 'dkim-signature'),
  })
  if (resolved.kind === 'settings') {
    for (const warning of resolved.warnings) warn(`${message.batchId}: ${warning}`)
  }
  return resolved
}

/** A copy that nothing is put into: its own bytes, without the X-MSYS-API header. */
function untracked(message: Message, bodies: (message: Message) => readonly Piece[]) {
  const pieces = bodies(message)
  const fields = removeApiHeader(message.fields)
  return { kind: 'tracked', fields, pieces, holes: [], explain: undefined } as const
}

/** The pieces of a body that stays as it is: the same list for the same body. */
function wholeBodies(data: MessageData): (message: Message) => readonly Piece[] {
  const known = new Map<Buffer, readonly Piece[]>()
  return ({ separator, body }) => {
    const pieces = known.get(body) ?? [data.range(separator), data.range(body)]
    known.set(body, pieces)
    return pieces
  }
}

/** All pieces of a copy: its header's, then its body's. */
type Layout = (
  fields: readonly Field[],
  body: Rendition,
) => { readonly rendition: Rendition; readonly sizeBytes: number }

/**
 * Copies with the same header and the same pieces of body get the same list of pieces. A field of the copy's
 * own is a hole, so that copies differ in its octets only.
 */
function sharedLayout(data: MessageData): Layout {
  type Shared = { readonly pieces: readonly Piece[]; readonly sizeBytes: number }
  const known = new Map<readonly Piece[], Map<string, Shared>>()
  return (fields, { pieces: body, holes }) => {
    const own: string[] = []
    const head: Piece[] = []
    for (const { bytes, isOwn } of fields) {
      if (isOwn) {
        pushPiece(head, [holes.length + own.length, 0, bytes.length, 0])
        own.push(bytes.toString('latin1'))
      } else pushPiece(head, data.range(bytes))
    }
    const filled = own.length > 0 ? [...holes, ...own] : holes
    const key = head.join()
    const layouts = known.get(body) ?? new Map<string, Shared>()
    known.set(body, layouts)
    const shared = layouts.get(key) ?? join(head, body)
    layouts.set(key, shared)
    return { rendition: { pieces: shared.pieces, holes: filled }, sizeBytes: shared.sizeBytes }
  }
}

function join(head: readonly Piece[], body: readonly Piece[]) {
  const pieces = [...head]
  for (const piece of body) pushPiece(pieces, piece)
  return { pieces, sizeBytes: renderedLength({ pieces, holes: [] }) }
}

function entryCopy(
  message: Message,
  tracked: TrackedCopy,
  options: SealingOptions,
  layout: Layout,
): EntryCopy {
  const { common, listener, customPrefix } = options
  const { rendition, sizeBytes } = layout(message.fields, tracked)
  return {
    id: message.id,
    mailfrom: message.envelope.mailfrom.text,
    rcptto: message.envelope.rcptto.text,
    routingDomain: routingDomain(message.envelope),
    rendition,
    sizeBytes,
    egress: message.envelope.egress,
    notify: message.envelope.notify,
    priority: message.priority === 1 ? 1 : undefined,
    context: contextChanges(common, message.context),
    facts: copyFacts(message, tracked.settings, {
      messageId: tracked.messageId,
      rawRcptTo: tracked.rawRcptTo,
      pathway: listener.pathway,
      pathwayGroup: listener.pathwayGroup,
      customPrefix,
    }),
  }
}
