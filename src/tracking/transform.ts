// The engagement-tracking transform of one message: each recipient's copy gets links and a pixel of its
// own (Momentum's smtpapi module). Bodies are surveyed once, planned once per set of options and laid
// out once per length of recipient parts; a recipient then costs one or two seals and the choice of a
// template. All caches live as long as the message and hold 16 entries.
import type { MessageData, Piece } from '../mail/rendition.ts'
import { type Field, fieldValue } from '../mime/field.ts'
import { findFields } from '../mime/header.ts'
import type { Role } from './edit.ts'
import type { Explain } from './explain.ts'
import { limitMetadata, type TokenFacts } from './facts.ts'
import type { JsonObject } from './json.ts'
import type { TrackingDefaults, TrackingSettings } from './options.ts'
import { type Plan, planTracking } from './plan.ts'
import { type Survey, surveyBody } from './survey.ts'
import { layOutBody, rootFields, type Template } from './template.ts'
import type { RecipientParts, Sealer } from './token.ts'
import { removeApiHeader } from './xmsysapi.ts'

/** Byte strings. */
export interface RecipientFacts {
  readonly messageId: string
  /** Lower case. */
  readonly rcptTo: string
  readonly rawRcptTo: string
  readonly transmissionId?: string
  readonly mailfrom?: string
  /** Context variables for events; text. */
  readonly custom?: JsonObject
  /** Now, in seconds of the epoch: where the links' expiry starts. */
  readonly sentSeconds: number
}

export type { Explain }

export interface CopyBytes {
  readonly fields: readonly Field[]
  readonly separator: Buffer
  readonly body: Buffer
}

export interface Tracked {
  /** Without X-MSYS-API; with the transfer encoding that the root part has now. */
  readonly fields: readonly Field[]
  /** Of separator and body. Shared by all copies of the same template. */
  readonly pieces: readonly Piece[]
  readonly holes: readonly string[]
  readonly explain: () => Explain
  /** Parts that went out unmodified because something failed; for the log. */
  readonly failures: readonly string[]
}

export interface Transform {
  /** Never throws on account of the message. Every call takes new counters for its recipient. */
  apply(copy: CopyBytes, settings: TrackingSettings, recipient: RecipientFacts): Tracked
}

export interface TransformOptions {
  readonly data: MessageData
  /** Of this message alone. */
  readonly sealer: Sealer
  /** Octets: `tracking_growth_limit`. */
  readonly growthLimit: number
  /** Whether clicks carry metadata; opens always do. */
  readonly includeMetadata: boolean
  /** Octets of JSON that tokens carry at most, of metadata and of variables; whole members are left out beyond. */
  readonly maxMetadataLength: number
}

export function openTransform(options: TransformOptions): Transform {
  const { data, sealer, growthLimit } = options
  const bodies: KnownBody[] = []
  const headers = new WeakMap<readonly Field[], KnownHeader>()

  return {
    apply(copy, settings, recipient) {
      const header = knownHeader(headers, copy.fields)
      const known = knownBody(bodies, copy, header.description)
      const { survey } = known
      const parts = sealParts(survey, settings, recipient, options)
      const openRole = parts.open === parts.click ? 'full' : 'open'
      const fullLength = parts.click?.full.length ?? 0
      const openLength = parts.open?.full.length ?? 0
      const variant = variantOf(settings, openRole)
      const { plan, templates } = remember(
        known.plans,
        `${variant} ${fullLength} ${openLength}`,
        () => ({
          plan: planTracking(survey, {
            sealer,
            settings,
            growthLimit,
            fullLength,
            openLength,
            openRole,
          }),
          templates: new Map<string, Template>(),
        }),
      )
      const hole = (role: Role): string => holeText(role, parts)
      const lengths = {
        full: fullLength,
        open: openLength,
        short: plan.roles.includes('short') ? hole('short').length : 0,
      }
      const template = remember(templates, `${lengths.short}`, () =>
        layOutBody(plan, copy, data, lengths),
      )
      const failures = survey.failures.concat(template.failures)
      return {
        fields: rootFields(header.kept, template.root),
        pieces: template.pieces,
        holes: plan.roles.map(hole),
        explain: plan.explain,
        failures,
      }
    },
  }
}

interface KnownHeader {
  /** Without X-MSYS-API. */
  readonly kept: readonly Field[]
  /** The fields that say what the root's content is. */
  readonly description: string
}

interface KnownBody {
  readonly description: string
  readonly separator: Buffer
  readonly survey: Survey
  readonly plans: Map<string, { readonly plan: Plan; readonly templates: Map<string, Template> }>
}

interface CopyParts {
  readonly click: RecipientParts | undefined
  readonly open: RecipientParts | undefined
}

const MAX_CACHED = 16

/** Names the plans that settings lead to. */
function variantOf(settings: TrackingDefaults, openRole: Role): string {
  const { clicks, opens, openScheme, clickScheme, domain, initialOpens, foreignOptOuts } = settings
  const choices = [clicks, opens, openScheme, clickScheme, domain, initialOpens, foreignOptOuts]
  return `${choices.join(' ')} ${openRole}`
}

/** Seals only what the copy will carry. */
function sealParts(
  survey: Survey,
  settings: TrackingSettings,
  recipient: RecipientFacts,
  { sealer, includeMetadata, maxMetadataLength }: TransformOptions,
): CopyParts {
  const isClickTracked = settings.clicks && survey.hasLinks
  const isOpenTracked = settings.opens && survey.hasHtml
  if (!isClickTracked && !isOpenTracked) return { click: undefined, open: undefined }
  const facts = tokenFacts(survey, settings, recipient, maxMetadataLength)
  if (includeMetadata || !facts.metadata) {
    const both = sealer.recipient(facts)
    return { click: isClickTracked ? both : undefined, open: isOpenTracked ? both : undefined }
  }
  const { metadata: _, ...withoutMetadata } = facts
  return {
    click: isClickTracked ? sealer.recipient(withoutMetadata) : undefined,
    open: isOpenTracked ? sealer.recipient(facts) : undefined,
  }
}

function tokenFacts(
  survey: Survey,
  settings: TrackingSettings,
  recipient: RecipientFacts,
  maxMetadataLength: number,
): TokenFacts {
  const { sentSeconds, mailfrom, custom: variables, ...identity } = recipient
  const { campaignId, customerId, tags } = settings
  const metadata = settings.metadata && limitMetadata(settings.metadata, maxMetadataLength)
  const custom = variables && limitMetadata(variables, maxMetadataLength)
  return {
    expirySeconds: sentSeconds + settings.expirySeconds,
    ...identity,
    ...(campaignId !== undefined && { campaignId }),
    ...(customerId !== undefined && { customerId }),
    ...(tags?.length && { tags }),
    ...(metadata && { metadata }),
    ...(custom && { custom }),
    ...(mailfrom && settings.clicks && survey.hasUnsubscribe && { mailfrom }),
  }
}

function holeText(role: Role, { click, open }: CopyParts): string {
  // Without metadata, tags and variables links and pixel carry the same.
  if (role === 'short') return (click ?? open)?.short ?? ''
  return (role === 'open' ? open : click)?.full ?? ''
}

/**
 * The survey of a copy's body. Copies share it when octets, separator and the root's own description
 * of its content are the same, whether or not policy made new buffers of them.
 */
function knownBody(bodies: KnownBody[], copy: CopyBytes, description: string): KnownBody {
  const present = bodies.find(
    (known) =>
      known.description === description &&
      isSame(known.separator, copy.separator) &&
      isSame(known.survey.body, copy.body),
  )
  if (present) return present
  if (bodies.length >= MAX_CACHED) bodies.shift()
  const known: KnownBody = {
    description,
    separator: copy.separator,
    survey: surveyBody(copy.fields, copy.body),
    plans: new Map(),
  }
  bodies.push(known)
  return known
}

/** Copies whose header policy left alone have the very same list. */
function knownHeader(
  headers: WeakMap<readonly Field[], KnownHeader>,
  fields: readonly Field[],
): KnownHeader {
  const present = headers.get(fields)
  if (present) return present
  const description = ['Content-Type', 'Content-Transfer-Encoding', 'Content-Disposition']
    .map((name) => findFields(fields, name).map(fieldValue).join('\n'))
    .join('\0')
  const known = { kept: removeApiHeader(fields), description }
  headers.set(fields, known)
  return known
}

function isSame(a: Buffer, b: Buffer): boolean {
  const isView = a.buffer === b.buffer && a.byteOffset === b.byteOffset
  return a.length === b.length && (isView || a.equals(b))
}

function remember<T>(cache: Map<string, T>, key: string, make: () => T): T {
  const present = cache.get(key)
  if (present !== undefined) return present
  const oldest = cache.size >= MAX_CACHED ? cache.keys().next() : undefined
  if (oldest && !oldest.done) cache.delete(oldest.value)
  const made = make()
  cache.set(key, made)
  return made
}
