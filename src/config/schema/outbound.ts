// Options of the sending side (Momentum manual, "config.options.summary" and the page of each option).
// `maildir` is ours: mail is delivered into that folder. A limit of 0 is none.
import {
  BOOLEAN,
  COUNT,
  HOSTNAME,
  PATH,
  IP_ADDRESS,
  PORT,
  POSITIVE,
  ROUTES,
  SECONDS,
  TARGET,
} from '../value.ts'
import { option, optional } from './option.ts'

const OUTBOUND = ['global', 'domain', 'binding', 'binding_group']

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
  maxOutboundConnections: option('max_outbound_connections', COUNT, 32, OUTBOUND),
  maxDeliveriesPerConnection: option('max_deliveries_per_connection', COUNT, 0, OUTBOUND),
  maxRecipientsPerBatch: option('max_recipients_per_batch', POSITIVE, 100, OUTBOUND),
}

/** `__hostname__` stands for this server's name, `__message__` for the domain of the sender. */
export const EHLO_HOSTNAME = option('ehlo_hostname', HOSTNAME, '__hostname__', OUTBOUND)

/** Where mail goes. The most specific scope that has one of them decides, whichever it is. */
export const NEXT_HOP = {
  maildir: optional('maildir', PATH, OUTBOUND),
  gateway: optional('gateway', TARGET, OUTBOUND),
  routes: optional('routes', ROUTES, OUTBOUND),
}
