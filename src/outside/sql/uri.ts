// Where a database is: `postgresql://user:password@host:port/name?sslmode=require`, or as Momentum has it
// `pgsql:host=example.com;dbname=mail;user=u;password=p;port=5432` (manual page "modules.ds_core").

export interface DatabaseAddress {
  readonly host: string | undefined
  readonly port: number | undefined
  /** The folder or file of a socket, in place of a host. */
  readonly socketPath: string | undefined
  readonly database: string | undefined
  readonly user: string | undefined
  readonly password: string | undefined
  /** `disable` (also when absent), `require` without a look at the certificate, else `verify-full`. */
  readonly sslmode: string
}

/** Nothing if the text is no such address. It never is in a message: it has a password. */
export function readDatabaseAddress(uri: string): DatabaseAddress | undefined {
  const rest = uri.replace(/^[a-z\d]+:/i, '')
  const fields = rest.startsWith('//') ? fieldsOfUrl(uri) : fieldsOfPairs(rest)
  if (!fields) return undefined
  const { host, port, dbname, user, password, sslmode } = fields
  if (port !== undefined && !/^\d{1,5}$/.test(port)) return undefined
  const isSocket = host?.startsWith('/') === true
  return {
    host: isSocket ? undefined : host,
    port: port === undefined ? undefined : Number(port),
    socketPath: isSocket ? host : undefined,
    database: dbname,
    user,
    password,
    sslmode: sslmode ?? 'disable',
  }
}

type Fields = Partial<Record<'host' | 'port' | 'dbname' | 'user' | 'password' | 'sslmode', string>>

function fieldsOfUrl(uri: string): Fields | undefined {
  try {
    const { hostname, port, pathname, username, password, searchParams } = new URL(uri)
    return {
      ...filled('host', searchParams.get('host') ?? hostname.replace(/^\[(.*)\]$/, '$1')),
      ...filled('port', port),
      ...filled('dbname', decodeURIComponent(pathname.slice(1))),
      ...filled('user', decodeURIComponent(username)),
      ...filled('password', decodeURIComponent(password)),
      ...filled('sslmode', searchParams.get('sslmode') ?? ''),
    }
  } catch {
    // No URL, or no percent-encoding: the caller says so without the text.
    return undefined
  }
}

function fieldsOfPairs(text: string): Fields | undefined {
  const pairs = text
    .split(/[;\s]+/)
    .filter(Boolean)
    .map((pair) => /^(\w+)=(.*)$/s.exec(pair))
  const known = new Map<string, string>()
  for (const pair of pairs) {
    if (!pair) return undefined
    const [, name = '', value = ''] = pair
    known.set(NAMES[name.toLowerCase()] ?? name.toLowerCase(), value)
  }
  const fields: Fields = {}
  for (const name of ['host', 'port', 'dbname', 'user', 'password', 'sslmode'] as const) {
    const value = known.get(name)
    if (value !== undefined) fields[name] = value
  }
  return fields
}

const NAMES: Readonly<Record<string, string>> = {
  database: 'dbname',
  pass: 'password',
  username: 'user',
  hostaddr: 'host',
  unix_socket: 'host',
}

function filled(name: keyof Fields, value: string): Fields {
  return value === '' ? {} : { [name]: value }
}
