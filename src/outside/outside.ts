// What policy reaches beyond the server, as plain types: DNS, HTTP, files, time, dice and databases. A server
// gets the real ones (open.ts); tests and offline tools pass their own for what they answer, and
// closed.ts for the rest, which refuses by name. Texts are byte strings.
import type { Eventually } from '../mail/eventually.ts'

export interface Outside {
  readonly resolver: Resolver
  readonly http: HttpClient
  readonly files: FileStore
  readonly clock: Clock
  /** From 0 to 1, 1 excluded. */
  readonly random: () => number
  readonly databases: Databases
  readonly spam: {
    readonly scanner: SpamScanner
    /** Octets of a body that are looked at. */
    readonly maxBytes: number
  }
}

/** Not to be had here, and why: the function that asked raises with its own name before the text. */
export interface Refused {
  readonly kind: 'refused'
  readonly text: string
}

export const RECORD_TYPES = ['A', 'AAAA', 'MX', 'TXT', 'PTR', 'NS'] as const

export type RecordType = (typeof RECORD_TYPES)[number]

export interface DnsQuestion {
  /** Without a dot at its end. */
  readonly name: string
  readonly type: RecordType
  /** An address, maybe with a port, to be asked instead of the configured servers. */
  readonly server?: string
}

export type DnsAnswer =
  /**
   * As zone files have them: `192.0.2.1`, `10 mx.example.com`. A TXT record is its strings put together.
   * At least one.
   */
  | { readonly kind: 'found'; readonly records: readonly string[] }
  /** NXDOMAIN, NODATA, SERVFAIL, REFUSED, TIMEOUT … */
  | { readonly kind: 'failed'; readonly text: string }
  | Refused

export interface Resolver {
  /** What is known already is no promise. Never fails, and is not long about it. */
  ask(question: DnsQuestion): Eventually<DnsAnswer>
}

export interface HttpRequest {
  readonly method: string
  readonly url: string
  /** `Name: value`, in their order. */
  readonly headerLines: readonly string[]
  readonly body?: string
  /** For all of it: the name, the connection, the answer. */
  readonly timeoutMs: number
  /** Octets of the answer's body; a longer one is a failure. */
  readonly maxBytes: number
  /** How many redirects are followed; none unless given. */
  readonly maxRedirects?: number
}

export type HttpAnswer =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly statusText: string
      readonly headerLines: readonly string[]
      readonly body: string
      /** Where it came from in the end. */
      readonly url: string
    }
  /** `code` is libcurl's. */
  | { readonly kind: 'failed'; readonly text: string; readonly code: number }
  | Refused

export interface HttpClient {
  /** Never fails. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>
}

export interface WriteOptions {
  /** Whether a file that is not there is made, with these permissions. */
  readonly create: boolean
  readonly mode: number
  /** At its end, wherever that is by then; else from its beginning on. */
  readonly append: boolean
}

export type FileFailure = { readonly kind: 'failed'; readonly text: string } | Refused

/** Nothing is lost with one that is never closed. */
export interface WritableFile {
  readonly kind: 'opened'
  /** Rejects when the disk does. Those of one file keep their order. */
  write(octets: string): Promise<void>
  close(): Promise<void>
}

export interface FileStore {
  /** All of a file that is no longer than `maxBytes`. Never fails. */
  read(
    path: string,
    maxBytes: number,
  ): Promise<{ readonly kind: 'read'; readonly octets: string } | FileFailure>
  /** Never fails. */
  openToWrite(path: string, options: WriteOptions): Promise<WritableFile | FileFailure>
}

export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number
  /** Runs it once, so much later, unless the function that is returned is called before. */
  after(delayMs: number, run: () => void): () => void
}

export type SqlValue = string | number | boolean | null

export type SqlParams = readonly SqlValue[] | ReadonlyMap<string, SqlValue>

export interface SqlStatement {
  /** One, with `?`, `:name` or `$name` for what comes from `params`. */
  readonly sql: string
  /** By position or by name; one that is missing is NULL. */
  readonly params: SqlParams
  /** Further ones are left out; undefined: all. */
  readonly maxRows?: number
  /** For all of it: a connection, the statement, its rows. */
  readonly timeoutMs: number
}

export type SqlAnswer =
  | {
      readonly kind: 'rows'
      /** None for a statement that gives no rows. */
      readonly columns: readonly string[]
      readonly rows: readonly (readonly SqlValue[])[]
    }
  /** `isUnreached`: there was no connection, and nothing has been run. */
  | { readonly kind: 'failed'; readonly text: string; readonly isUnreached?: true }
  | Refused

export interface Database {
  /** Never fails. An aborted statement is ended where it runs. */
  run(statement: SqlStatement, signal: AbortSignal): Promise<SqlAnswer>
  close(): Promise<void>
}

export interface Databases {
  /** `sqlite:PATH`, `postgresql:…`, `mysql:…`. Connects when it is first asked something. */
  open(uri: string, limits: { readonly maxConnections: number }): Database
}

export type SpamAnswer =
  | {
      readonly kind: 'scanned'
      readonly isSpam: boolean
      readonly score: number
      readonly threshold: number
      /** With commas between them. */
      readonly symbols: string
    }
  | { readonly kind: 'failed'; readonly text: string }
  | Refused

export interface SpamScanner {
  /** Never fails. */
  scan(message: Buffer, signal: AbortSignal): Promise<SpamAnswer>
}
