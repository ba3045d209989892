// Options of the sending side (Momentum manual, "config.options.summary" and the page of each option).
// `maildir` is ours: mail is delivered into that folder. A limit of 0 is none.
import {
  BOOLEAN,
  COUNT,
  FILE,
  HOSTNAME,
  oneOf,
  PATH,
  IP_ADDRESS,
  PORT,
  POSITIVE,
  RATE,
  readBoolean,
  ROUTES,
  scalar,
  SECONDS,
  STRING,
  TARGET,
} from '../value.ts'
import { option, optional } from './option.ts'

const EGRESS = ['domain', 'binding', 'binding_group']
const OUTBOUND = ['global', ...EGRESS]

/** Infinity: no limit but the time that a message has, which `auto` means here too. */
const RETRIES = scalar('a whole number, auto or none', (text) =>
  /^(?:auto|none)$/i.test(text) ? Infinity : /^\d{1,9}$/.test(text) ? Number(text) : undefined,
)

/** `inline` refuses RCPT TO, which `true` means; `internal` accepts the message. Queued mail fails. */
const BLACKHOLE = scalar('true, false, inline or internal', (text) => {
  const word = text.toLowerCase()
  if (word === 'inline' || word === 'internal') return word
  const truth = readBoolean(word)
  return truth === undefined ? undefined : truth ? 'inline' : 'no'
})

export const SUSPEND_DELIVERY = option('suspend_delivery', BOOLEAN, false, OUTBOUND)

export const DELIVERY = {
  suspendDelivery: SUSPEND_DELIVERY,
  /** Without one the system chooses. */
  bindAddress: optional('bind_address', IP_ADDRESS, OUTBOUND),
  remoteSmtpPort: option('remote_smtp_port', PORT, 25, OUTBOUND),
  retryIntervalSeconds: option('retry_interval', SECONDS, 1200, OUTBOUND),
  maxRetryIntervalSeconds: option('max_retry_interval', SECONDS, 43_200, OUTBOUND),
  messageExpirationSeconds: option('message_expiration', SECONDS, 86_400, OUTBOUND),
  generateBounces: option('generate_bounces', BOOLEAN, true, OUTBOUND),
  maxRetries: option('max_retries', RETRIES, Infinity, OUTBOUND),
  neverRetry: option('never_retry', BOOLEAN, false, OUTBOUND),
  blackhole: option('blackhole', BLACKHOLE, 'no', OUTBOUND),
  /** A count of 0: without limit. */
  throttleMessages: option('outbound_throttle_messages', RATE, { count: 0, seconds: 1 }, OUTBOUND),
  /** Of new ones, to one next hop. */
  throttleConnections: option(
    'outbound_throttle_connections',
    RATE,
    { count: 0, seconds: 1 },
    OUTBOUND,
  ),
  /** Whether a peer that takes 8-bit octets is told when there are some. */
  declares8Bit: option('send_8bitmime', oneOf('ifavailable', 'no'), 'ifavailable', OUTBOUND),
  /** Ours: envelope and message in one go, where the peer offers CHUNKING (RFC 3030). */
  sendsChunks: option('send_chunking', oneOf('no', 'ifavailable'), 'no', OUTBOUND),
  deliveryMethod: option('delivery_method', oneOf('esmtp', 'smtp', 'lmtp'), 'esmtp', OUTBOUND),
  lmtpPort: option('lmtp_port', PORT, 2003, OUTBOUND),
  sevenBit: option(
    'transform_8bitmime_content',
    oneOf('ifneeded', 'no', 'strict', 'strip'),
    'ifneeded',
    OUTBOUND,
  ),
  maxOutboundConnections: option('max_outbound_connections', COUNT, 32, OUTBOUND),
  maxDeliveriesPerConnection: option('max_deliveries_per_connection', COUNT, 0, OUTBOUND),
  maxRecipientsPerBatch: option('max_recipients_per_batch', POSITIVE, 100, OUTBOUND),
}

/** From the last octet of ours to what the peer says to it. */
export const PATIENCE = {
  connectTimeoutSeconds: option('connect_timeout', SECONDS, 300, OUTBOUND),
  ehloTimeoutSeconds: option('ehlo_timeout', SECONDS, 300, OUTBOUND),
  mailfromTimeoutSeconds: option('mailfrom_timeout', SECONDS, 300, OUTBOUND),
  rcpttoTimeoutSeconds: option('rcptto_timeout', SECONDS, 300, OUTBOUND),
  bodyTimeoutSeconds: option('body_timeout', SECONDS, 600, OUTBOUND),
  rsetTimeoutSeconds: option('rset_timeout', SECONDS, 30, OUTBOUND),
  idleTimeoutSeconds: option('idle_timeout', SECONDS, 5, OUTBOUND),
}

const AUTH_TYPE = oneOf('false', 'plain', 'login', 'xoauth2')

/** Of the user and the password an empty one, or `false`, is none. */
export const TRUST = {
  tls: option('tls', oneOf('no', 'ifavailable', 'required'), 'no', OUTBOUND),
  tlsIfavailableFallback: option('tls_ifavailable_fallback', BOOLEAN, true, OUTBOUND),
  tlsVerify: option('tls_verify', oneOf('no', 'ca', 'host', 'optional'), 'no', OUTBOUND),
  tlsCa: optional('tls_ca', FILE, OUTBOUND),
  authUser: option('outbound_smtp_auth_user', STRING, 'false', OUTBOUND),
  authPassword: option('outbound_smtp_auth_pass', { ...STRING, isSecret: true }, 'false', OUTBOUND),
  authType: option('outbound_smtp_auth_type', AUTH_TYPE, 'false', OUTBOUND),
}

/** Who we are to a peer that asks for a certificate. A global certificate is that of the listeners. */
export const IDENTITY = {
  tlsCertificate: optional('tls_certificate', FILE, EGRESS),
  /** Without one the certificate's file holds it. */
  tlsKey: optional('tls_key', { ...FILE, isSecret: true }, EGRESS),
}

/** `__hostname__` stands for this server's name, `__message__` for the domain of the sender. */
export const EHLO_HOSTNAME = option('ehlo_hostname', HOSTNAME, '__hostname__', OUTBOUND)

/** Where mail goes. The most specific scope that has one of them decides, whichever it is. */
export const NEXT_HOP = {
  maildir: optional('maildir', PATH, OUTBOUND),
  gateway: optional('gateway', TARGET, OUTBOUND),
  routes: optional('routes', ROUTES, OUTBOUND),
}
