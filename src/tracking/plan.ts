// What is to be changed in the parts of a surveyed body under one set of options: link parts sealed, and
// for each link the full or the short recipient part chosen. Holds for all recipients whose full
// recipient parts have the same length.
import type { Edit, Role, Slot } from './edit.ts'
import {
  type Explain,
  explainPlan,
  type Form,
  type LinkOutcome,
  type PlannedLink,
} from './explain.ts'
import type { Cut, FoundLink } from './link.ts'
import type { TrackingDefaults } from './options.ts'
import { type LinkKind, ROUTE_OF, trackingPrefix } from './path.ts'
import type { Survey, SurveyedPart } from './survey.ts'
import type { Sealer } from './token.ts'

export interface PlannedPart {
  readonly part: SurveyedPart
  readonly edits: readonly Edit[]
}

export interface Plan {
  readonly parts: readonly PlannedPart[]
  /** The roles whose holes occur. */
  readonly roles: readonly Role[]
  /** Made when asked for: hardly any copy is looked at. */
  readonly explain: () => Explain
}

export interface PlanOptions {
  readonly sealer: Sealer
  readonly settings: TrackingDefaults
  /** Octets that the tracked links of a copy may add before they do without metadata, tags and variables. */
  readonly growthLimit: number
  /** Characters of the full recipient parts of links and of the pixel. */
  readonly fullLength: number
  readonly openLength: number
  /** The role of a full pixel: `full` unless links go without the metadata that opens carry. */
  readonly openRole: Role
}

export function planTracking(survey: Survey, options: PlanOptions): Plan {
  const planning: Planning = {
    options,
    links: [],
    roles: new Set(),
    growth: 0,
    pixelForm: undefined,
  }
  const parts = survey.parts.map((part) => planPart(part, planning))
  const { links, pixelForm } = planning
  return {
    parts,
    roles: [...planning.roles],
    explain: () => explainPlan(survey, options.settings, links, pixelForm),
  }
}

interface Planning {
  readonly options: PlanOptions
  readonly links: PlannedLink[]
  readonly roles: Set<Role>
  growth: number
  pixelForm: Form | undefined
}

type Mark =
  | { readonly kind: 'link'; readonly at: number; readonly link: FoundLink }
  | { readonly kind: 'cut'; readonly at: number; readonly cut: Cut }
  | { readonly kind: 'pixel'; readonly at: number; readonly pixel: TrackedUrl & Around }

/** Longest URL with a full recipient part; a plain part must also keep its lines below 998. */
const MAX_URL_LENGTH = 2000
const MAX_PLAIN_URL_LENGTH = 900

function planPart(part: SurveyedPart, planning: Planning): PlannedPart {
  const { options } = planning
  const editor = openEditor(part, planning)
  for (const mark of marksOf(part, options.settings)) {
    switch (mark.kind) {
      case 'cut':
        editor.replace(mark.cut, mark.cut.text ?? '')
        break
      case 'pixel':
        planning.pixelForm = trackPixel(mark.at, mark.pixel, editor, options)
        break
      case 'link': {
        const { link } = mark
        const outcome = linkOutcome(link, options)
        const form = outcome === 'tracked' ? trackLink(link, part, editor, planning) : undefined
        planning.links.push({ part, link, outcome, form })
      }
    }
  }
  return { part, edits: editor.edits }
}

function trackLink(link: FoundLink, part: SurveyedPart, editor: Editor, planning: Planning): Form {
  const { fullLength, growthLimit } = planning.options
  const maxLength = part.encoding === 'plain' ? MAX_PLAIN_URL_LENGTH : MAX_URL_LENGTH
  let form: Form = 'short'
  editor.track(link, link, NOTHING_AROUND, (prefixLength) => {
    const length = prefixLength + fullLength
    planning.growth += length - (link.end - link.start)
    if (length <= maxLength && planning.growth <= growthLimit) form = 'full'
    return form
  })
  return form
}

/** Opens carry all facts, while the URL is no longer than one that is surely requested. */
function trackPixel(
  at: number,
  pixel: TrackedUrl & Around,
  editor: Editor,
  { openLength, openRole }: PlanOptions,
): Form {
  let form: Form = 'full'
  editor.track({ start: at, end: at }, pixel, pixel, (prefixLength) => {
    if (prefixLength + openLength > MAX_URL_LENGTH) form = 'short'
    return form === 'short' ? form : openRole
  })
  return form
}

/** What a tracked URL leads to. */
type TrackedUrl = Pick<FoundLink, 'target' | 'name' | 'sublink'> & { readonly kind: LinkKind }

/** Text on both sides of a tracked URL. */
interface Around {
  readonly before: string
  readonly after: string
}

const NOTHING_AROUND: Around = { before: '', after: '' }

const PIXEL: TrackedUrl & Around = {
  kind: 'open',
  target: '',
  name: '',
  sublink: '',
  before: '<img border="0" width="1" height="1" alt="" src="',
  after: '">',
}

/** Where the body begins it must not take a line of its own. */
const INITIAL_PIXEL: TrackedUrl & Around = {
  ...PIXEL,
  kind: 'initial_open',
  before: '<img border="0" width="1" height="1" alt="" style="display:block" src="',
}

type Octets = Pick<Edit, 'start' | 'end'>

/** Takes edits in ascending order; what begins inside the range replaced last goes with that. */
interface Editor {
  readonly edits: readonly Edit[]
  replace(octets: Octets, text: string): void
  /** `choose` is told how long the URL is before its recipient part. */
  track(
    octets: Octets,
    url: TrackedUrl,
    around: Around,
    choose: (prefixLength: number) => Role,
  ): void
}

/**
 * In base64 a hole must begin at a multiple of 3, which the length of the link part sees to; and what
 * follows is copied instead of encoded again if it moves by a multiple of 3, which an empty query of up
 * to two `?` sees to. Holes themselves are multiples of 3 long.
 */
function openEditor(part: SurveyedPart, { options, roles }: Planning): Editor {
  const { settings, sealer } = options
  const isAligned = part.encoding === 'base64'
  const edits: Edit[] = []
  let shift = 0

  const isCovered = ({ start }: Octets): boolean => start < (edits.at(-1)?.end ?? 0)
  const add = ({ start, end }: Octets, slots: readonly Slot[]): void => {
    edits.push({ start, end, slots })
    shift += start - end
    for (const slot of slots) if ('text' in slot) shift += slot.text.length
  }
  return {
    edits,
    replace(octets, text) {
      if (!isCovered(octets)) add(octets, text ? [{ text }] : [])
    },
    track(octets, { kind, target, name, sublink }, { before, after }, choose) {
      if (isCovered(octets)) return
      const scheme = ROUTE_OF[kind] === 'open' ? settings.openScheme : settings.clickScheme
      const prefixOf = (linkPart: string): string =>
        trackingPrefix(scheme, settings.domain, kind, sublink, linkPart)
      const place = octets.start + shift + before.length + prefixOf('').length
      const residue = isAligned ? complement3(place) : undefined
      const prefix = prefixOf(sealer.link(target, name, kind, sublink, residue))
      const role = choose(prefix.length)
      roles.add(role)
      const text = before + prefix
      const moved = shift + octets.start - octets.end + text.length + after.length
      const end = (isAligned ? '?'.repeat(complement3(moved)) : '') + after
      add(octets, [{ text }, { role }, ...(end ? [{ text: end }] : [])])
    },
  }
}

/** What is missing to a multiple of 3. */
function complement3(length: number): number {
  return (3 - (((length % 3) + 3) % 3)) % 3
}

function marksOf(part: SurveyedPart, settings: TrackingDefaults): Mark[] {
  const marks: Mark[] = part.links.map((link) => ({ kind: 'link', at: link.start, link }))
  for (const cut of part.cuts) {
    if (!cut.isForeign || settings.foreignOptOuts) marks.push({ kind: 'cut', at: cut.start, cut })
  }
  const addPixel = (at: number | undefined, pixel: TrackedUrl & Around): void => {
    if (at !== undefined) marks.push({ kind: 'pixel', at, pixel })
  }
  if (settings.opens && settings.initialOpens) addPixel(part.initialPixelAt, INITIAL_PIXEL)
  if (settings.opens) addPixel(part.pixelAt, PIXEL)
  return marks.sort((a, b) => a.at - b.at)
}

function linkOutcome(link: FoundLink, { settings, sealer }: PlanOptions): LinkOutcome {
  if (link.refusal) return link.refusal
  if (!settings.clicks) return 'off'
  if (link.isForeignOptOut && settings.foreignOptOuts) return 'opted-out-elsewhere'
  const { domain } = settings
  const host = link.target.indexOf('//') + 2
  const path = host + domain.length
  const isOurs = link.target.slice(host, path).toLowerCase() === domain.toLowerCase()
  return isOurs && sealer.hasSealed(link.target.slice(path)) ? 'already-tracked' : 'tracked'
}
