// A web server that takes webhooks, and has faults when told to.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** `endless`: 200, and a body that does not end. */
export type Answer = number | 'reset' | 'hang' | 'endless' | { readonly redirect: string }

export interface Receiver {
  readonly port: number
  readonly url: string
  readonly received: Received[]
  /** Answers of the requests to come; after the last all are 200. */
  readonly answers: Answer[]
  /** Records of the batches that were answered 200, test batches left out. */
  events(): Record<string, unknown>[]
}

/** Closed when the test is over. */
export async function openReceiver(port = 0): Promise<Receiver> {
  const received: Received[] = []
  const answers: Answer[] = []
  const taken: Record<string, unknown>[] = []
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method = '', url: path = '' } = request
    const headers = request.headers as Received['headers']
    const body = Buffer.concat(chunks).toString()
    received.push({ method, path, headers, body })
    const answer = answers.shift() ?? 200
    if (answer === 'reset') return void request.socket.resetAndDestroy()
    if (answer === 'hang') return
    if (answer === 'endless') return void response.writeHead(200).write('and')
    if (typeof answer !== 'number') {
      response.writeHead(302, { Location: answer.redirect }).end()
      return
    }
    if (answer === 200) taken.push(...(JSON.parse(body) as typeof taken))
    response.writeHead(answer).end()
  }
  const server = createServer((request, response) => {
    take(request, response).catch(() => request.socket.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port: own } = server.address() as AddressInfo
  return {
    port: own,
    url: `http://127.0.0.1:${own}/hook`,
    received,
    answers,
    events: () =>
      taken.flatMap(({ msys }) => Object.values(msys as Record<string, typeof msys>)) as Record<
        string,
        unknown
      >[],
  }
}
