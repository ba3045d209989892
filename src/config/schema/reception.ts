// Options of the receiving side (Momentum manual, "config.options.summary" and the page of each option).
// Where Momentum has no limit by default, ours stand: 50 MB, 1,000 recipients, 300 s. A limit of 0 is none.
import { ConfigError } from '../error.ts'
import {
  BOOLEAN,
  BYTES,
  CIDRS,
  COUNT,
  DICTIONARY,
  DOMAINS,
  HOSTNAME,
  itemsOf,
  NON_EMPTY,
  oneOf,
  PATTERNS,
  readStrings,
  scalar,
  SECONDS,
  STRING,
  type Type,
} from '../value.ts'
import type { Value } from '../tree.ts'
import { LISTENER, option, optional, type Warn } from './option.ts'

const GLOBAL_TOO = ['global', ...LISTENER]
const PATHWAYS = ['global', 'pathway', 'pathway_group']
const SOCKETS = ['esmtp_listener', 'listen', 'http_listener']

/** Those that can be listed and are served; what else is listed is warned about and not offered. */
const SERVED = new Set([
  'AUTH LOGIN',
  'AUTH PLAIN',
  'PIPELINING',
  'STARTTLS',
  'XCLIENT',
  'XREMOTEIP',
  '8BITMIME',
  'DSN',
  'SMTPUTF8',
  'SIZE',
  'ENHANCEDSTATUSCODES',
  'XSETCONTEXT',
  'XDUMPCONTEXT',
])

const EXTENSIONS: Type<ReadonlySet<string>> = {
  expected: 'a list of SMTP extensions',
  read(value) {
    const names = readStrings(value)?.flatMap(extensionNames)
    return names && new Set(names.filter((name) => SERVED.has(name)))
  },
}

/** Lines after 220, separated by `\n`; the C escapes for line ends are known. */
const BANNER = scalar('a text that starts with 220', (text) => {
  const lines = text.replace(/\\r\\n|\\n|\r\n/g, '\n').split('\n')
  const isBanner = lines.every((line) => /^220[ -]/.test(line))
  return isBanner ? lines.map((line) => line.slice(4)).join('\n') : undefined
})

const TRACKING_DOMAIN = scalar('a host or host:port without "/", "?", "#" and blanks', (text) =>
  /^[!-~]+$/.test(text) && !/[/?#@"'<>\\]/.test(text) ? text : undefined,
)

const SENDERS: Type<(domain: string) => boolean> = {
  ...DOMAINS,
  read: (value, folder) =>
    readStrings(value)?.length === 0 ? () => true : DOMAINS.read(value, folder),
}

const LONE_LF = oneOf('fix', 'pedantic', 'ignore')

const SCHEME = oneOf('http', 'https')

/** The tracking options; valid in the listener scopes only, as in Momentum. The last two are ours. */
export const TRACKING = {
  opens: option('open_tracking_enabled', BOOLEAN, false, LISTENER),
  clicks: option('click_tracking_enabled', BOOLEAN, false, LISTENER),
  openScheme: option('open_tracking_scheme', SCHEME, 'http', LISTENER),
  clickScheme: option('click_tracking_scheme', SCHEME, 'http', LISTENER),
  domain: option('tracking_domain', TRACKING_DOMAIN, 'localhost:8080', LISTENER),
  expirySeconds: option('tracking_link_expiry', SECONDS, 31_536_000, LISTENER),
  /** A second pixel at the beginning, for `initial_open`. */
  initialOpens: option('initial_open_tracking_enabled', BOOLEAN, false, LISTENER),
  /** Whether links keep out by the attributes of other systems. */
  foreignOptOuts: option('click_tracking_foreign_opt_outs', BOOLEAN, false, LISTENER),
}

export const RECEPTION = {
  extensions: option<ReadonlySet<string>>(
    'smtp_extensions',
    EXTENSIONS,
    new Set(),
    LISTENER,
    inspectExtensions,
  ),
  /** Octets of a message. */
  maxMessageSize: option('max_message_size', BYTES, 50 * 1024 * 1024, LISTENER),
  maxRecipientsPerMessage: option('max_recipients_per_message', COUNT, 1000, LISTENER),
  maxRecipientsPerConnection: option('max_recipients_per_connection', COUNT, 0, GLOBAL_TOO),
  maxReceptionsPerConnection: option('max_receptions_per_connection', COUNT, 0, GLOBAL_TOO),
  idleSeconds: option('idle_time', SECONDS, 300, LISTENER),
  requireEhlo: option('require_ehlo', BOOLEAN, false, GLOBAL_TOO),
  allowNullEnvelopeSender: option('allow_null_envelope_sender', BOOLEAN, true, GLOBAL_TOO),
  staticBanner: optional('static_banner', BANNER, LISTENER),
  /** What follows 421 in sessions of a configuration that was replaced. */
  reconfigMessage: option('reconfig_message', NON_EMPTY, '4.3.2 Reconfiguration in progress', [
    'esmtp_listener',
  ]),
  traceHeaders: option('rfc2822_trace_headers', BOOLEAN, true, PATHWAYS),
  bouncesForPolicyRejections: option(
    'generate_bounces_for_multi_recipient_policy_rejections',
    BOOLEAN,
    true,
    PATHWAYS,
  ),
  /** Names that XSETCONTEXT may not set. */
  xsetcontextDeny: option<readonly RegExp[]>('xsetcontext_deny', PATTERNS, [], GLOBAL_TOO),
}

/** Those that take more than the first value of the chain. */
export const ACCESS = {
  enable: option('enable', BOOLEAN, true, SOCKETS),
  context: option('context', DICTIONARY, new Map(), LISTENER),
  relayHosts: option('relay_hosts', CIDRS, [], GLOBAL_TOO),
  openRelay: option('open_relay', BOOLEAN, false, LISTENER),
  relayDomains: option('relay_domains', DOMAINS, () => false, PATHWAYS),
  pathway: option('pathway', STRING, 'default', ['esmtp_listener', 'listen', 'peer']),
  loneLfInHeaders: option('rfc2822_lone_lf_in_headers', oneOf('fix', 'pedantic'), 'fix', PATHWAYS),
  loneLfInBody: option('rfc2822_lone_lf_in_body', LONE_LF, 'fix', PATHWAYS, inspectLoneLf),
  /** No domains: all of them. */
  relaySenders: optional('relay_for_sending_domains', SENDERS, LISTENER),
  listenerSessions: option('listener_sessions', COUNT, 0, LISTENER),
  serviceSessions: option('service_sessions', COUNT, 0, LISTENER),
  bannerHostname: optional('banner_hostname', HOSTNAME, LISTENER),
  receivedHostname: optional('received_hostname', HOSTNAME, LISTENER),
}

/** In upper case; `AUTH PLAIN LOGIN` stands for two. */
function extensionNames(text: string): string[] {
  const [name = '', ...parameters] = text.toUpperCase().trim().split(/[ =]+/)
  return name === 'AUTH' ? parameters.map((mechanism) => `AUTH ${mechanism}`) : [name]
}

function inspectExtensions(value: Value, warn: Warn): void {
  const items = (itemsOf(value) ?? []).flatMap(({ text, place }) =>
    extensionNames(text).map((name) => ({ name, place })),
  )
  for (const { name, place } of items) {
    if (name === 'XSETCONTEXT2') {
      const complaint = 'what XSETCONTEXT2 does was never published: expected XSETCONTEXT instead'
      throw new ConfigError(place, 'smtp_extensions', complaint)
    }
    if (!SERVED.has(name)) warn(place, `SMTP extension "${name}" is not supported yet: not offered`)
  }
}

function inspectLoneLf(value: Value, warn: Warn): void {
  if (value.kind === 'text' && value.text.toLowerCase() === 'ignore') {
    warn(value.place, 'lone line feeds are never kept: "ignore" is read as "fix"')
  }
}
