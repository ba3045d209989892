// Which fields a signature covers, as people write it: names, each with `?` (only where it is there), `*` (all
// of them) or `+` (both) behind it or nothing, with colons, commas or blanks between. Pure.
import type { HeaderRule } from './dkim.ts'
import { isFieldName } from './field.ts'

/**
 * What RFC 6376 §5.4.1 and RFC 8058 §4 say to sign, as far as it is there. From twice: a second one that
 * somebody adds breaks the signature.
 */
export const DEFAULT_HEADERS =
  'From From Sender? Reply-To? Subject? Date? Message-ID? To? Cc? MIME-Version? Content-Type? ' +
  'Content-Transfer-Encoding? In-Reply-To? References? Resent-Date+ Resent-From+ Resent-Sender+ ' +
  'Resent-To+ Resent-Cc+ Resent-Message-ID+ List-Id? List-Help? List-Unsubscribe? ' +
  'List-Unsubscribe-Post? List-Subscribe? List-Post? List-Owner? List-Archive?'

/** Undefined for what is no name of a field, or when From is not among them. */
export function readHeaderRules(text: string): readonly HeaderRule[] | undefined {
  const rules: HeaderRule[] = []
  for (const item of text.split(/[:,\s]+/).filter(Boolean)) {
    const [, name = '', mark = ''] = /^(.*?)([?*+]?)$/.exec(item) ?? []
    if (!isFieldName(name) || name.includes(';')) return undefined
    rules.push({ name, all: mark === '*' || mark === '+', asserts: mark === '' || mark === '*' })
  }
  return rules.some(({ name }) => name.toLowerCase() === 'from') ? rules : undefined
}
