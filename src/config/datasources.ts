// The data sources that policy asks, from their stanzas.
import { ConfigError } from './error.ts'
import { DATASOURCE, DATASOURCE_URIS } from './schema/datasource.ts'
import type { Resolved } from './schema/option.ts'
import { resolveTable, type Stanza, stanzasOf, valueOf } from './stanza.ts'

export interface DatasourceOptions extends Resolved<typeof DATASOURCE> {
  readonly name: string
  /** At least one; they are asked in turn. */
  readonly uris: readonly string[]
}

/** Repeated stanzas of one name count as one, the last one first. */
export function datasourcesOf(root: Stanza): DatasourceOptions[] {
  const byName = new Map<string, Stanza[]>()
  for (const stanza of stanzasOf(root, 'datasource')) {
    byName.set(stanza.instance, [stanza, ...(byName.get(stanza.instance) ?? [])])
  }
  return [...byName].map(([name, stanzas]) => {
    const uris = valueOf(DATASOURCE_URIS, stanzas)
    if (uris) return { ...resolveTable(DATASOURCE, stanzas), name, uris }
    const place = stanzas[0]?.place ?? { file: '', line: 0, column: 0 }
    throw new ConfigError(place, 'uri', 'missing: expected uri = ( "sqlite:/path/of/file" )')
  })
}
