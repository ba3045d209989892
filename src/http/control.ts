// The console over HTTP, for a Unix socket: `POST /command` with the words of a command as a JSON array,
// or as a line of text. The reply is the text, or JSON when that is asked for; 400 when the command failed.
import { Hono } from 'hono'

export interface Answer {
  readonly isOk: boolean
  /** What people read; ends with a line end unless it is empty. */
  readonly text: string
  /** The same for programs. */
  readonly data?: unknown
}

export function controlApp(run: (argv: readonly string[]) => Promise<Answer>): Hono {
  const app = new Hono()
  app.post('/command', async (c) => {
    const answer = await run(wordsOf(await c.req.text()))
    const status = answer.isOk ? 200 : 400
    if (c.req.header('accept') !== 'application/json') return c.text(answer.text, status)
    const { isOk: ok, text, data = null } = answer
    return c.json({ ok, text, data }, status)
  })
  return app
}

/** Words are apart by blanks; double quotes hold some together. */
export function wordsOf(body: string): string[] {
  const text = body.trim()
  if (text.startsWith('[')) {
    try {
      const words: unknown = JSON.parse(text)
      if (Array.isArray(words)) return words.map(String)
    } catch {
      // A line that begins so is no command: it is told like any other that is not known.
    }
  }
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}
