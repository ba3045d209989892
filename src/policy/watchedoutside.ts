// The outside as callouts reach it while they are traced: what was asked, what came of it, how long it took.
// A callout that is not traced pays one look at its notes.
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { CalloutNotes } from '../msys/runtime.ts'
import type {
  Databases,
  DnsAnswer,
  FileStore,
  HttpAnswer,
  HttpClient,
  Outside,
  Resolver,
  SqlAnswer,
} from '../outside/outside.ts'
import type { Tracer } from './trace.ts'

interface Question {
  readonly service: string
  readonly request: string
}

type Note = <T>(
  question: Question,
  ask: () => Eventually<T>,
  tell: (answer: T) => string,
) => Eventually<T>

/** `notesOf` gives those of the callout that runs now. */
export function watchedOutside(
  outside: Outside,
  { clockMs }: Pick<Tracer, 'clockMs'>,
  notesOf: () => CalloutNotes | undefined,
): Outside {
  const note: Note = (question, ask, tell) => {
    const notes = notesOf()
    if (!notes) return ask()
    const startedMs = clockMs()
    return andThen(ask(), (answer) => {
      notes.outside.push({ ...question, answer: tell(answer), ms: clockMs() - startedMs })
      return answer
    })
  }
  return {
    ...outside,
    resolver: watchedResolver(outside.resolver, note),
    http: watchedHttp(outside.http, note),
    files: watchedFiles(outside.files, note),
    databases: watchedDatabases(outside.databases, note),
  }
}

function watchedResolver(resolver: Resolver, note: Note): Resolver {
  return {
    ask(question) {
      const request = `${question.type} ${question.name}`
      return note({ service: 'dns', request }, () => resolver.ask(question), dnsText)
    },
  }
}

function watchedHttp(http: HttpClient, note: Note): HttpClient {
  return {
    async send(request, signal) {
      const question = { service: 'http', request: `${request.method} ${request.url}` }
      return note(question, () => http.send(request, signal), httpText)
    },
  }
}

function watchedFiles(files: FileStore, note: Note): FileStore {
  return {
    async read(path, maxBytes) {
      const question = { service: 'file', request: `read ${path}` }
      return note(question, () => files.read(path, maxBytes), fileText)
    },
    async openToWrite(path, options) {
      const question = { service: 'file', request: `write ${path}` }
      return note(question, () => files.openToWrite(path, options), fileText)
    },
  }
}

function watchedDatabases(databases: Databases, note: Note): Databases {
  return {
    open(uri, limits) {
      const database = databases.open(uri, limits)
      return {
        async run(statement, signal) {
          const question = { service: 'database', request: statement.sql }
          return note(question, () => database.run(statement, signal), sqlText)
        },
        close: () => database.close(),
      }
    },
  }
}

function dnsText(answer: DnsAnswer): string {
  return answer.kind === 'found' ? answer.records.join(', ') : answer.text
}

function httpText(answer: HttpAnswer): string {
  if (answer.kind !== 'answered') return answer.text
  return `${answer.status} ${answer.statusText}, ${answer.body.length} octets`
}

function fileText(
  answer: { kind: 'read'; octets: string } | { kind: 'opened' } | { kind: string; text: string },
): string {
  if ('octets' in answer) return `${answer.octets.length} octets`
  return 'text' in answer ? answer.text : 'opened'
}

function sqlText(answer: SqlAnswer): string {
  return answer.kind === 'rows' ? `${answer.rows.length} rows` : answer.text
}
