// The outside as callouts reach it while they are traced: what was asked, what came of it, how long it took.
// A callout that is not traced pays one look at its notes.
import { andThen, type Eventually } from '../mail/eventually.ts'
import type { Datasource, Datasources } from '../msys/db/datasources.ts'
import type { CalloutNotes } from '../msys/runtime.ts'
import type {
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

/** Gives the notes of the callout that runs now; undefined: it is not traced. */
type NotesOf = () => CalloutNotes | undefined

type Clock = Pick<Tracer, 'clockMs'>

export function watchedOutside(outside: Outside, clock: Clock, notesOf: NotesOf): Outside {
  const note = noter(clock, notesOf)
  return {
    ...outside,
    resolver: watchedResolver(outside.resolver, note),
    http: watchedHttp(outside.http, note),
    files: watchedFiles(outside.files, note),
  }
}

/** Here and not at the databases: what several wait for is asked when no callout runs. */
export function watchedDatasources(
  { names, named, close }: Datasources,
  clock: Clock,
  notesOf: NotesOf,
): Datasources {
  const note = noter(clock, notesOf)
  const watch = (source: Datasource): Datasource => ({
    ...source,
    find(question) {
      const answer = source.find(question)
      const about = { service: 'database', request: question.sql }
      if (answer)
        void note(
          about,
          () => answer,
          (kept) => `${sqlText(kept)}, kept from before`,
        )
      return answer
    },
    async ask(question, signal, maxRows) {
      const about = { service: 'database', request: question.sql }
      return note(about, () => source.ask(question, signal, maxRows), sqlText)
    },
  })
  return {
    names,
    named(name) {
      const source = named(name)
      return source && notesOf() ? watch(source) : source
    },
    close,
  }
}

function noter({ clockMs }: Clock, notesOf: NotesOf): Note {
  return (question, ask, tell) => {
    const notes = notesOf()
    if (!notes) return ask()
    const startedMs = clockMs()
    return andThen(ask(), (answer) => {
      notes.outside.push({ ...question, answer: tell(answer), ms: clockMs() - startedMs })
      return answer
    })
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
