// The console of a running server, by its control socket: as `eachrcpt ctl` does, without a process for each.
import { request } from 'node:http'
import { join } from 'node:path'

export interface Told {
  readonly ok: boolean
  readonly text: string
  readonly data: unknown
}

/** `folder`: where the server keeps its `spool`. */
export async function tell(folder: string, words: readonly string[]): Promise<Told> {
  return (await askControl(folder, 'POST', '/command', JSON.stringify(words))) as Told
}

/** Resolves with the JSON that comes back. */
export function askControl(
  folder: string,
  method: string,
  path: string,
  body = '',
): Promise<unknown> {
  const headers = { accept: 'application/json', 'content-type': 'application/json' }
  const options = { socketPath: join(folder, 'spool/control'), method, path, headers }
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += String(chunk)))
      response.on('end', () => resolve(JSON.parse(text)))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
