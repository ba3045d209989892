// The scopes of ecelerity.conf and where each may stand (Momentum manual, "config.options.summary" and the
// list of modules). Scopes that we do not support yet are read, warned about once and otherwise ignored.

import { SIGNING_DOMAINS, SIGNING_MODULES } from './signing.ts'

export interface ScopeRule {
  /** Kinds of scope that it may stand in. */
  readonly parents: readonly string[]
  /** It means nothing without a name. */
  readonly needsInstance: boolean
  /** `accepted`: there is nothing in it that we would have to do. */
  readonly support: 'honoured' | 'known' | 'accepted'
  /** `free`: its contents are not looked at. */
  readonly contents: 'checked' | 'free'
}

const GLOBAL = ['global']
const LISTENERS = ['esmtp_listener', 'http_listener', 'control_listener']
const OUTBOUND = ['global', 'binding', 'binding_group']

/** Their contents are options of the vendor's modules, which only these know. */
const KNOWN_SCOPES = `
  ac_auth adaptive adaptive_backstore_leveldb adaptive_backstore_riak alias antivirus as_logger auth_ds
  auth_radius authorization beik bind_address_secondary bounce_classifier_override brightmail cassandra_client
  chunk_logger cidrdb clamav cloudmark cluster commtouch_ctasd compress_spool conntrol csapi
  curfew custom_bounce_logger custom_logger dane debug_flags delay_dsn dk_sign dk_validate dkim dkim_validate dnsbuf
  domainkeys ds_core ds_ldap eccluster_listener ecstream_listener eleven enumgroups eventloop exim_logger fbl
  fingerprint ha_proxy_client host_fingerprint http_logger httpsrv icu ilf_logger ipv6_lookup jlog
  live_bounce_updates logs mail_loop maildir msg_gen msgc_client msgc_server msgcserver_listener mxip node openarc
  outbound_audit outbound_smtp_auth outbound_smtp_auth_v0 persist_io persistio pipe_io pipe_transport
  postfix_logger querygroups reception_timing reception_timing_logger replicate response_transcode sched
  securecredentials_keystore securecreds security seedlist senderid sendmail_logger smtp_auth_proxy smtp_cbv
  smtp_rcptto_proxy snmp snmp_traps spf static_routes substitution_engine
  suppress_spool syslog_io threadpool topology url_ripper xmpp_listener
`

const SCOPES: ReadonlyMap<string, ScopeRule> = new Map([
  ['esmtp_listener', honoured(GLOBAL)],
  ['http_listener', honoured(GLOBAL)],
  ['control_listener', honoured(GLOBAL)],
  ['listen', named(LISTENERS)],
  ['peer', named([...LISTENERS, 'listen'])],
  ['pathway', named(['global', 'pathway_group'])],
  ['pathway_group', named(GLOBAL)],
  ['domain', named(OUTBOUND)],
  ['binding', named(['global', 'binding_group'])],
  ['binding_group', named(GLOBAL)],
  ['scriptlet', honoured(GLOBAL)],
  ['script', named(['scriptlet'])],
  ['smtpapi', honoured(GLOBAL)],
  ['spf_v1', honoured(GLOBAL)],
  ['spamassassin', honoured(GLOBAL)],
  // The macros are always there.
  ['spf_macros', { ...honoured(GLOBAL), support: 'accepted', contents: 'free' }],
  ...SIGNING_MODULES.map((kind): [string, ScopeRule] => [kind, honoured(GLOBAL)]),
  ...SIGNING_DOMAINS.map((kind): [string, ScopeRule] => [kind, named([...SIGNING_MODULES])]),
  ['engagement_tracker', honoured(GLOBAL)],
  ['ec_logger', honoured(GLOBAL)],
  ['bounce_logger', honoured(GLOBAL)],
  ['event_hydrant', honoured(GLOBAL)],
  ['webhook', named(GLOBAL)],
  ['datasource', named(GLOBAL)],
  ['redis', honoured(GLOBAL)],
  ['inbound_audit', honoured(GLOBAL)],
  ['alerting', { ...honoured(GLOBAL), support: 'accepted', contents: 'free' }],
  ['host', free(OUTBOUND)],
  ['adaptive_sweep_rule', free([...OUTBOUND, 'domain'])],
  ...KNOWN_SCOPES.trim()
    .split(/\s+/)
    .map((kind): [string, ScopeRule] => [kind, free(GLOBAL)]),
])

export function scopeRule(kind: string): ScopeRule | undefined {
  return SCOPES.get(kind)
}

function honoured(parents: readonly string[]): ScopeRule {
  return { parents, needsInstance: false, support: 'honoured', contents: 'checked' }
}

function named(parents: readonly string[]): ScopeRule {
  return { ...honoured(parents), needsInstance: true }
}

function free(parents: readonly string[]): ScopeRule {
  return { parents, needsInstance: false, support: 'known', contents: 'free' }
}
