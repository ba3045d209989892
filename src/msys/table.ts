// The whole API in one table: what is bound, what will come and what will not. Installation, the coverage
// table in lua/README.md and the tools read it.
import { ACCEPT } from './accept.ts'
import { ARC_FUNCTIONS } from './arc.ts'
import { AUDIT_FUNCTIONS } from './audit.ts'
import { AUDIT_SERIES_FUNCTIONS } from './auditseries.ts'
import { BOUNCE_FUNCTIONS } from './bounce.ts'
import { CIDR_FUNCTIONS } from './cidr/functions.ts'
import { CONFIG_FUNCTIONS } from './config.ts'
import { CONSTRUCT_FUNCTIONS, MESSAGE_CONSTRUCT } from './construct.ts'
import { CORE_FUNCTIONS } from './core.ts'
import { COUNTER, COUNTER_CONSTANTS, COUNTER_FUNCTIONS } from './counter.ts'
import type { Binding, Declaration } from './declaration.ts'
import { DKIM_CONSTANTS, DKIM_FUNCTIONS } from './dkim.ts'
import { FCDNS_FUNCTIONS } from './fcdns.ts'
import { FILE_FUNCTIONS } from './files.ts'
import { HTTP_CLIENT, HTTP_CLIENT_FUNCTIONS } from './httpclient.ts'
import { SPAMC_FUNCTIONS } from './spamc.ts'
import { TIMER, TIMER_FUNCTIONS } from './timer.ts'
import { WAITING_FUNCTIONS } from './waiting.ts'
import { CURL, CURL_CONSTANTS, CURL_FUNCTIONS } from './curl.ts'
import { EDITOR_MAIL_FUNCTIONS } from './editormail.ts'
import { HTTP_SESSION, HTTPSRV_CONSTANTS, HTTPSRV_FUNCTIONS } from './httpsession.ts'
import { NOTIFICATION_FUNCTIONS } from './rfc3464.ts'
import { DOMAIN_RECORD, SINGLE_FUNCTIONS } from './single.ts'
import { DKIM_RESULT_FUNCTIONS, DKIM_RESULTS } from './dkimresults.ts'
import { DKIM_CLASSES, DKIM_VERIFY_FUNCTIONS } from './dkimverify.ts'
import { DB_FUNCTIONS } from './db/functions.ts'
import { DNS_FUNCTIONS } from './dns.ts'
import { EC_STRING, EC_STRING_FUNCTIONS } from './ecstring.ts'
import { GAUGE_CACHE_FUNCTIONS } from './gaugecache.ts'
import { IO_OBJECT } from './ioobject.ts'
import { DEFAULT_POLICY, LIBRARY } from './library.ts'
import { LIST_NODE } from './listnode.ts'
import { MESSAGE } from './message.ts'
import { BINDING_FUNCTIONS } from './messagebinding.ts'
import { MESSAGE_FUNCTIONS } from './messagefunctions.ts'
import { SEND_FUNCTIONS } from './messagesend.ts'
import { MESSAGE_PART } from './part.ts'
import { PBP_FUNCTIONS } from './pbp.ts'
import { SHARE_FUNCTIONS } from './share.ts'
import type { AnyShape } from './shape.ts'
import { SOCKET_ADDRESS, SOCKET_ADDRESS_FUNCTIONS } from './sockaddr.ts'
import { TEXT_CLASSES, TEXT_CONSTANTS, TEXT_FUNCTIONS } from './text.ts'
import { TLS_PARAMS, TLS_PARAMS_FUNCTIONS } from './tlsparams.ts'
import { UNAVAILABLE } from './unavailable.ts'
import { VCTX } from './vctx.ts'

export const CLASSES: readonly AnyShape[] = [
  MESSAGE,
  MESSAGE_PART,
  VCTX,
  ACCEPT,
  MESSAGE_CONSTRUCT,
  EC_STRING,
  IO_OBJECT,
  LIST_NODE,
  SOCKET_ADDRESS,
  TIMER,
  HTTP_CLIENT,
  COUNTER,
  ...DKIM_CLASSES,
  DKIM_RESULTS,
  CURL,
  HTTP_SESSION,
  DOMAIN_RECORD,
  TLS_PARAMS,
  ...TEXT_CLASSES,
]

export const FUNCTIONS: readonly Binding<undefined>[] = [
  ...CORE_FUNCTIONS,
  ...CONFIG_FUNCTIONS,
  ...AUDIT_FUNCTIONS,
  ...AUDIT_SERIES_FUNCTIONS,
  ...COUNTER_FUNCTIONS,
  ...GAUGE_CACHE_FUNCTIONS,
  ...SHARE_FUNCTIONS,
  ...CIDR_FUNCTIONS,
  ...CONSTRUCT_FUNCTIONS,
  ...SOCKET_ADDRESS_FUNCTIONS,
  ...TEXT_FUNCTIONS,
  ...EC_STRING_FUNCTIONS,
  ...SEND_FUNCTIONS,
  ...MESSAGE_FUNCTIONS,
  ...BINDING_FUNCTIONS,
  ...BOUNCE_FUNCTIONS,
  ...DKIM_FUNCTIONS,
  ...DB_FUNCTIONS,
  ...PBP_FUNCTIONS,
  ...FCDNS_FUNCTIONS,
  ...DNS_FUNCTIONS,
  ...WAITING_FUNCTIONS,
  ...TIMER_FUNCTIONS,
  ...FILE_FUNCTIONS,
  ...HTTP_CLIENT_FUNCTIONS,
  ...DKIM_VERIFY_FUNCTIONS,
  ...DKIM_RESULT_FUNCTIONS,
  ...CURL_FUNCTIONS,
  ...NOTIFICATION_FUNCTIONS,
  ...SINGLE_FUNCTIONS,
  ...HTTPSRV_FUNCTIONS,
  ...SPAMC_FUNCTIONS,
  ...ARC_FUNCTIONS,
  ...EDITOR_MAIL_FUNCTIONS,
  ...TLS_PARAMS_FUNCTIONS,
]

/** The constants of modules, but those of `msys.core`. */
export const CONSTANTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ...TEXT_CONSTANTS,
  ...DKIM_CONSTANTS,
  ...COUNTER_CONSTANTS,
  ...CURL_CONSTANTS,
  ...HTTPSRV_CONSTANTS,
}

export const API: readonly Declaration[] = [
  ...CLASSES.flatMap(({ methods, fields }): readonly Declaration[] => [...methods, ...fields]),
  ...FUNCTIONS,
  ...LIBRARY,
  ...DEFAULT_POLICY,
  ...UNAVAILABLE,
]

/**
 * What policy may `require` beside the modules of functions: they only add methods or sit below functions,
 * and those are always there.
 */
export const EMPTY_MODULES: readonly string[] = [
  'msys.boot',
  'msys.datasource',
  'msys.extended.ac',
  'msys.extended.httpsrv',
  'msys.extended.message',
  'msys.extended.message_routing',
  'msys.extended.vctx',
]
