// Options of the server itself and of the module stanzas: scriptlet, engagement_tracker, smtpapi and the
// loggers (Momentum manual, "modules.scriptlet", "modules.engage_tracker", "modules.smtpapi",
// "modules.ec_logger", "modules.event_hydrant"). The callout budget, on_bad_return,
// search_path, file_roots, script_path_map, script_environment, shutdown_grace, workers, worker_timeout, spool_min_free_* and all but the first two of engagement_tracker are ours.
import { KEYS } from '../keys.ts'
import {
  BOOLEAN,
  BYTES,
  CIDRS,
  COUNT,
  DNS_SERVERS,
  FILE,
  HOSTNAME,
  LOG_PATH,
  MODE,
  NON_EMPTY,
  oneOf,
  ORIGIN,
  PATH,
  PATH_MAP,
  PATHS,
  POSITIVE,
  scalar,
  SECONDS,
  STRING,
  STRINGS,
  TARGET,
  TOKEN,
  WORKERS,
} from '../value.ts'
import { option, optional } from './option.ts'

const DEBUG_LEVEL = oneOf('off', 'critical', 'error', 'warning', 'notice', 'info', 'debug')
const LOGS = '/var/log/ecelerity'
const ENVIRONMENT = ['HOME', 'HOSTNAME', 'LANG', 'LOGNAME', 'PATH', 'PWD', 'TZ', 'USER']
const SCRIPTLET_SCOPE = ['scriptlet']
const TRACKER = ['engagement_tracker']
const EC_LOGGER = ['ec_logger']
const HYDRANT = ['event_hydrant']

export const SERVER = {
  hostname: optional('hostname', HOSTNAME, ['global']),
  spoolbase: option('spoolbase', PATH, '/var/spool/ecelerity', ['global']),
  /** What must be free on the spool's file system for mail to be taken. */
  spoolMinFreeBytes: option('spool_min_free_space', BYTES, 256 * 1024 ** 2, ['global']),
  spoolMinFreeInodes: option('spool_min_free_inodes', COUNT, 1_000, ['global']),
  /** Processes that share the work; 1: this one does everything. */
  workers: option('workers', WORKERS, 1, ['global']),
  /** A worker that is silent for so long is killed and replaced. */
  workerTimeoutSeconds: option('worker_timeout', SECONDS, 10, ['global']),
  /** Who is asked for names, addresses with a port if it is not 53; those of the machine if none is given. */
  dnsServers: option('dns_servers', DNS_SERVERS, [], ['global']),
  /** Of what `trace smtp` writes. */
  traceSmtpMode: option('trace_smtp_mode', MODE, 0o640, ['global']),
  shutdownGraceSeconds: option('shutdown_grace', SECONDS, 5, ['global']),
}

export const SMTPAPI = {
  enabled: option('enabled', BOOLEAN, true, ['smtpapi']),
  /** At `debug` paniclog tells of every link what was done to it. */
  debugLevel: option('debug_level', DEBUG_LEVEL, 'error', ['smtpapi']),
}

const RULES = new Map([
  ['?all', 'neutral'],
  ['~all', 'softfail'],
  ['-all', 'fail'],
  ['+all', 'pass'],
  ['all', 'pass'],
])
const DEFAULT_RULE = scalar('?all, ~all, -all or +all', (text) => RULES.get(text.toLowerCase()))

/** SPF at MAIL; what comes of it is a context variable of the message, and policy's to judge. */
export const SPF = {
  enabled: option('enabled', BOOLEAN, true, ['spf_v1']),
  contextVariable: option('context_variable', NON_EMPTY, 'spf_status', ['spf_v1']),
  /** Received-SPF, and Authentication-Results. */
  addsHeaders: option('add_headers', BOOLEAN, true, ['spf_v1']),
  addsResults: option('add_authentication_results', BOOLEAN, false, ['spf_v1']),
  /** What a domain without a record comes to; undefined: `none`. */
  defaultRule: optional('default_rule', DEFAULT_RULE, ['spf_v1']),
}

/** The daemon that msys.spamc asks. */
export const SPAMASSASSIN = {
  enabled: option('enabled', BOOLEAN, true, ['spamassassin']),
  daemon: option('daemon', TARGET, { host: 'localhost', port: 783 }, ['spamassassin']),
  timeoutSeconds: option('timeout', POSITIVE, 30, ['spamassassin']),
  /** Octets of a body that it gets. */
  maxBytes: option('max_size', BYTES, 51_200, ['spamassassin']),
}

export const ENGAGEMENT_TRACKER = {
  includeMetadata: option(
    'click_tracking_include_metadata click_track_include_metadata',
    BOOLEAN,
    true,
    TRACKER,
  ),
  /** Octets of metadata in links and events. */
  maxMetadataLen: option('max_metadata_len', BYTES, 1000, TRACKER),
  /** Octets that the links of one copy may add. */
  growthLimit: option('tracking_growth_limit', BYTES, 40_960, TRACKER),
  keys: option('tracking_keys', KEYS, [], TRACKER),
  /** Where paths go that name none of our keys: the tracker that was here before. */
  legacyOrigin: optional('legacy_tracker', ORIGIN, TRACKER),
  /** Links of these messages (message_id) and customers lead nowhere any more. */
  deniedMessages: option('deny_messages', STRINGS, [], TRACKER),
  deniedCustomers: option('deny_customers', STRINGS, [], TRACKER),
  /** Of one token. */
  hitsPerMinute: option('token_rate_limit', COUNT, 0, TRACKER),
  appleAppSiteAssociation: optional('apple_app_site_association', FILE, TRACKER),
  assetlinks: optional('assetlinks', FILE, TRACKER),
}

/** Proxies whose X-Forwarded-For and X-Real-IP are believed. */
export const TRUSTED_PROXIES = option('trusted_proxies', CIDRS, [], ['http_listener'])

/** Whether `GET /metrics` is answered; ours. On loopback only. */
export const SERVES_METRICS = option('serve_metrics', BOOLEAN, false, ['http_listener'])

/** What the page on loopback is shown for; one is made at start where there is none. */
export const CONTROL_TOKEN = optional('control_token', TOKEN, ['control_listener'])

export const SCRIPTLET = {
  enabled: option('enabled', BOOLEAN, true, SCRIPTLET_SCOPE),
  calloutCpuMs: option('callout_cpu_ms', POSITIVE, 500, SCRIPTLET_SCOPE),
  calloutWallMs: option('callout_wall_ms', POSITIVE, 60_000, SCRIPTLET_SCOPE),
  calloutAllocMb: option('callout_alloc_mb', POSITIVE, 256, SCRIPTLET_SCOPE),
  maxStringMb: option('max_string_mb', POSITIVE, 64, SCRIPTLET_SCOPE),
  onBadReturn: option('on_bad_return', oneOf('continue', 'tempfail'), 'continue', SCRIPTLET_SCOPE),
  searchPath: option('search_path', PATHS, [], SCRIPTLET_SCOPE),
  /** Folders that io reads; the folders of scripts when there are none. */
  fileRoots: option('file_roots', PATHS, [], SCRIPTLET_SCOPE),
  /** Networks that are not public and may be reached by HTTP all the same. */
  httpAllow: option('http_allow', CIDRS, [], SCRIPTLET_SCOPE),
  /** Paths as scripts have them, and where they are. */
  scriptPathMap: option('script_path_map', PATH_MAP, new Map(), SCRIPTLET_SCOPE),
  /** The environment variables that os.getenv shows. */
  scriptEnvironment: option('script_environment', STRINGS, ENVIRONMENT, SCRIPTLET_SCOPE),
}

export const SCRIPT_SOURCE = optional('source', NON_EMPTY, ['script'])

/** A log without a path is not written. Modes as numbers. */
export const LOGGER = {
  enabled: option('enabled', BOOLEAN, true, EC_LOGGER),
  mainlog: option('mainlog', LOG_PATH, `${LOGS}/mainlog.ec`, EC_LOGGER),
  mainlogMode: option('mainlog_mode', MODE, 0o644, EC_LOGGER),
  rejectlog: option('rejectlog', LOG_PATH, `${LOGS}/rejectlog.ec`, EC_LOGGER),
  rejectlogMode: option('rejectlog_mode', MODE, 0o644, EC_LOGGER),
  paniclog: option('paniclog', LOG_PATH, `${LOGS}/paniclog.ec`, EC_LOGGER),
  paniclogMode: option('paniclog_mode', MODE, 0o644, EC_LOGGER),
  acctlog: option('acctlog', LOG_PATH, `${LOGS}/acctlog.ec`, EC_LOGGER),
  acctlogMode: option('acctlog_mode', MODE, 0o644, EC_LOGGER),
  heartbeatSeconds: option('heartbeat', SECONDS, 60, EC_LOGGER),
  receptions: option('log_receptions', BOOLEAN, true, EC_LOGGER),
  deliveries: option('log_deliveries', BOOLEAN, true, EC_LOGGER),
  transientFailures: option('log_transient_failures', BOOLEAN, true, EC_LOGGER),
  permanentFailures: option('log_permanent_failures', BOOLEAN, true, EC_LOGGER),
  rejections: option('log_rejections', BOOLEAN, true, EC_LOGGER),
}

const BOUNCE_LOGGER_SCOPE = ['bounce_logger']

export const BOUNCE_LOGGER = {
  enabled: option('enabled', BOOLEAN, true, BOUNCE_LOGGER_SCOPE),
  bouncelog: option('bouncelog', LOG_PATH, `${LOGS}/bouncelog.ec`, BOUNCE_LOGGER_SCOPE),
  bouncelogMode: option('bouncelog_mode', MODE, 0o644, BOUNCE_LOGGER_SCOPE),
  heartbeatSeconds: option('heartbeat', SECONDS, 60, BOUNCE_LOGGER_SCOPE),
  bounces: option('log_inband_bounces', BOOLEAN, true, BOUNCE_LOGGER_SCOPE),
  transientFailures: option('log_transient_failures', BOOLEAN, true, BOUNCE_LOGGER_SCOPE),
}

export const EVENT_HYDRANT = {
  enabled: option('enabled', BOOLEAN, true, HYDRANT),
  writeJlog: option('write_jlog', BOOLEAN, false, HYDRANT),
  jlogFilename: option('jlog_filename', LOG_PATH, `${LOGS}/event_hydrant.rt`, HYDRANT),
  /** The file is put aside when it is so large or so old; ours. */
  rotateBytes: option('jlog_rotate_bytes', BYTES, 0, HYDRANT),
  rotateSeconds: option('jlog_rotate_seconds', SECONDS, 0, HYDRANT),
  custPrefix: option('cust_prefix', STRING, 'cust_', HYDRANT),
  reception: option('log_reception', BOOLEAN, true, HYDRANT),
  delivery: option('log_delivery', BOOLEAN, true, HYDRANT),
  tempfail: option('log_tempfail', BOOLEAN, true, HYDRANT),
  inbandBounce: option('log_inband_bounce', BOOLEAN, true, HYDRANT),
  rejection: option('log_rejection', BOOLEAN, true, HYDRANT),
  open: option('log_open', BOOLEAN, true, HYDRANT),
  click: option('log_click', BOOLEAN, true, HYDRANT),
}
