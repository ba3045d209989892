// The links and pixels of a rendered copy, found again by their URLs and opened.
import type { Explain } from '../tracking/explain.ts'
import type { Keyring } from '../tracking/keyring.ts'
import type { TrackingSettings } from '../tracking/options.ts'
import { parsePath } from '../tracking/path.ts'
import { surveyBody } from '../tracking/survey.ts'
import { openToken } from '../tracking/token.ts'
import { splitHeader } from '../mime/field.ts'
import type { LinkReport, TrackedUrl, TrackingReport } from './result.ts'

export interface RenderedCopy {
  readonly bytes: Buffer
  readonly settings: TrackingSettings
  readonly explain: Explain
}

export function reportTracking(
  { bytes, settings, explain }: RenderedCopy,
  keyring: Keyring,
): TrackingReport {
  const { fields, body } = splitHeader(bytes)
  const found = surveyBody(fields, body).parts.map(({ name, decoded }) => ({
    name,
    urls: urlsIn(decoded().toString('latin1'), keyring),
  }))
  const pixels = found.flatMap(({ urls }) => urls.filter(({ action }) => isPixel(action)))
  const clicks = new Map(
    found.map(({ name, urls }) => [name, urls.filter(({ action }) => !isPixel(action))]),
  )
  // Both are in the order of the part; a link in another one has no URL of its own.
  const links = explain.links.map((link): LinkReport => {
    const waiting = clicks.get(link.part)
    const isNext = link.outcome === 'tracked' && waiting?.[0]?.target === link.target
    const tracked = isNext ? waiting?.shift() : undefined
    return { ...link, ...(tracked && { tracked }) }
  })
  return { settings, explain, links, pixels }
}

const URL = /https?:\/\/[\w.:[\]-]+(\/(?:f\/[\w-]+|q)\/[\w-]+\/[\w-]+)/g

function urlsIn(text: string, keyring: Keyring): TrackedUrl[] {
  return [...text.matchAll(URL)].flatMap(([url, path = '']) => {
    const parsed = parsePath(path)
    const opened = parsed && openToken(keyring, parsed)
    if (opened?.kind !== 'opened') return []
    const { action, target, name, facts } = opened
    return [{ url, action, target, name, facts }]
  })
}

function isPixel(action: TrackedUrl['action']): boolean {
  return action === 'open' || action === 'initial_open'
}
