// Why each link and the pixel are, or are not, in a copy. Plain data, made from a plan when somebody asks.
import type { FoundLink, Refusal } from './link.ts'
import type { TrackingDefaults } from './options.ts'
import type { PartName, PartRefusal, Survey, SurveyedPart } from './survey.ts'

export type LinkOutcome =
  | 'tracked'
  | Refusal
  /** Click tracking is off for this copy. */
  | 'off'
  /** Another system's attribute says so, and the configuration heeds those. */
  | 'opted-out-elsewhere'
  /** Leads to our own tracker already. */
  | 'already-tracked'

/** The recipient part that a tracked URL carries: `short` lacks metadata, tags and custom variables. */
export type Form = 'full' | 'short'

export interface LinkExplain {
  readonly part: PartName
  /** Octets of the decoded part that hold the URL. */
  readonly start: number
  readonly end: number
  /** Line of the decoded part, from 1. */
  readonly line: number
  readonly target: string
  /** `''` for none. */
  readonly name: string
  readonly outcome: LinkOutcome
  /** Of a tracked link. */
  readonly form?: Form
}

export interface Explain {
  readonly links: readonly LinkExplain[]
  readonly pixel: 'inserted' | 'off' | 'no-html' | PartRefusal
  /** The second pixel, at the beginning: `no-body` without a start tag of a body. */
  readonly initialPixel: 'inserted' | 'off' | 'no-body'
  /** Of an inserted pixel. */
  readonly pixelForm?: Form
  /** Parts that were left alone as a whole. */
  readonly parts: readonly { readonly part: PartName | 'message'; readonly why: PartRefusal }[]
}

/** For a log, a line for each link, pixel and part that was left alone. */
export function explainLines(explain: Explain): string[] {
  const { links, parts, pixel, pixelForm, initialPixel } = explain
  const withForm = (outcome: string, form = ''): string => outcome + (form && ` (${form})`)
  return [
    ...parts.map(({ part, why }) => `${part}: left alone: ${why}`),
    ...links.map(({ part, line, outcome, form, target }) => {
      return `${part} line ${line}: ${withForm(outcome, form)}: ${JSON.stringify(target)}`
    }),
    `pixel: ${withForm(pixel, pixelForm)}`,
    ...(initialPixel === 'off' ? [] : [`initial pixel: ${initialPixel}`]),
  ]
}

/** What a plan notes of a link. */
export interface PlannedLink {
  readonly part: SurveyedPart
  readonly link: FoundLink
  readonly outcome: LinkOutcome
  readonly form: Form | undefined
}

export function explainPlan(
  survey: Survey,
  settings: TrackingDefaults,
  links: readonly PlannedLink[],
  pixelForm: Form | undefined,
): Explain {
  return {
    links: explainLinks(links),
    pixel: pixelOutcome(survey, settings.opens),
    initialPixel: initialPixelOutcome(survey, settings),
    ...(pixelForm && { pixelForm }),
    parts: survey.refusals,
  }
}

function pixelOutcome(survey: Survey, isOpenTracked: boolean): Explain['pixel'] {
  if (!isOpenTracked) return 'off'
  if (survey.parts.some((part) => part.name === 'text/html')) return 'inserted'
  return survey.refusals.find(({ part }) => part !== 'text/plain')?.why ?? 'no-html'
}

function explainLinks(links: readonly PlannedLink[]): LinkExplain[] {
  const counters = new Map<SurveyedPart, (offset: number) => number>()
  return links.map(({ part, link, outcome, form }) => {
    const lineAt = counters.get(part) ?? lineCounter(part.decoded())
    counters.set(part, lineAt)
    return {
      part: part.name,
      start: link.start,
      end: link.end,
      line: lineAt(link.start),
      target: link.target,
      name: link.name,
      outcome,
      ...(form && { form }),
    }
  })
}

function initialPixelOutcome(survey: Survey, settings: TrackingDefaults): Explain['initialPixel'] {
  if (!settings.opens || !settings.initialOpens) return 'off'
  return survey.parts.some((part) => part.initialPixelAt !== undefined) ? 'inserted' : 'no-body'
}

/** Lines of ascending offsets, each octet looked at once. */
function lineCounter(octets: Buffer): (offset: number) => number {
  let line = 1
  let next = octets.indexOf(LF)
  return (offset) => {
    for (; next >= 0 && next < offset; line++) next = octets.indexOf(LF, next + 1)
    return line
  }
}

const LF = 0x0a
