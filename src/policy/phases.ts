// The phases of a mail's way through policy, as one table: every callout that a scriptlet may define,
// in the order in which they run. Dispatch, checks and documentation read it.
// Sources: Momentum manual pages "implementing.policy.scriptlets" and "lua.ref.msys.registerModule";
// the hooks (`core_…`) from the C reference pages of the same names.

import type { Stage } from '../msys/stage.ts'

export type Argument =
  'str' | 'msg' | 'ac' | 'vctx' | 'list_node' | 'user' | 'password' | 'response'

/**
 * What the callout's result means. `verdict`: CONT, DONE or AGAIN drive the chain, the reply is data on
 * vctx. `binding`: CONT or DONE, no reply to change. `final`: 0 continue, 1 reject, 2 defer. `ignored`:
 * called for its effects. `success`: must be true. `auth`: EC_AUTH_OK, EC_AUTH_FAIL or
 * EC_AUTH_ERROR.
 */
export type Result = 'verdict' | 'binding' | 'final' | 'ignored' | 'success' | 'auth'

export interface Phase {
  readonly name: CalloutName
  /** Which functions of the API it may call. */
  readonly stage: Stage
  readonly arguments: readonly Argument[]
  readonly result: Result
  /** The phase string of rejectlog (`P=`). */
  readonly state: string
  readonly when: string
}

export type CalloutName = keyof typeof TABLE

const CONNECT = 'just connected'
const BODY = 'reading body'
const ASYNC_BODY = 'async body response'

const TABLE = {
  init: row('load', '', 'success', '', 'the policy is loaded'),
  core_validate_accept: row('connect', 'ac vctx', 'verdict', CONNECT, 'a connection is accepted'),
  validate_connect: row('connect', 'ac vctx', 'verdict', CONNECT, 'before the greeting'),
  core_validate_connect: row(
    'connect',
    'ac vctx',
    'ignored',
    CONNECT,
    'after every validate_connect',
  ),
  validate_ehlo: row('ehlo', 'str ac vctx', 'verdict', 'awaiting ehlo/helo', 'EHLO or HELO'),
  ac_auth_perform_auth: row(
    'ehlo',
    'user password ac response',
    'auth',
    'awaiting ehlo/helo',
    'AUTH, where the source of passwords is ac_auth://',
  ),
  validate_mailfrom: row('mailfrom', 'str ac vctx', 'verdict', 'awaiting mailfrom', 'MAIL FROM'),
  validate_rcptto: row('rcptto', 'msg str ac vctx', 'verdict', 'awaiting rcptto', 'each RCPT TO'),
  validate_data: row('data', 'msg ac vctx', 'verdict', BODY, 'the final dot, once'),
  validate_rcptto_list: row(
    'data',
    'list_node vctx',
    'verdict',
    'rcptto list response',
    'after validate_data',
  ),
  validate_rcptto_list_final: row(
    'data',
    'list_node vctx',
    'verdict',
    'rcptto list final response',
    'the recipient list is complete',
  ),
  validate_data_spool: row(
    'spool',
    'msg ac vctx',
    'verdict',
    ASYNC_BODY,
    'once, before the copies are made',
  ),
  validate_data_spool_each_rcpt: row('copy', 'msg ac vctx', 'verdict', ASYNC_BODY, 'each copy'),
  core_validate_data_spool_each_rcpt: row(
    'copy',
    'msg ac vctx',
    'ignored',
    ASYNC_BODY,
    'each copy, after every validate_data_spool_each_rcpt',
  ),
  core_post_validate_data_spool_each_rcpt_v1: row(
    'copy',
    'msg ac vctx',
    'ignored',
    ASYNC_BODY,
    'each copy, just before links and pixel are put in',
  ),
  validate_set_binding: row(
    'binding',
    'msg',
    'binding',
    ASYNC_BODY,
    'each copy, links and pixel are in',
  ),
  core_post_validate_set_binding: row(
    'final',
    'msg',
    'ignored',
    ASYNC_BODY,
    'each copy whose binding was set',
  ),
  core_final_validation2: row('final', 'msg ac vctx', 'final', ASYNC_BODY, 'each copy, last'),
  core_final_validation: row('final', 'msg ac vctx', 'ignored', ASYNC_BODY, 'each copy, last'),
  core_post_final_validation: row(
    'final',
    'msg ac vctx',
    'ignored',
    ASYNC_BODY,
    'each copy, very last',
  ),
  validate_dealloc: row('end', '', 'ignored', '', 'the session ends'),
  deinit: row('end', '', 'success', '', 'the policy is unloaded'),
} as const

/** Every phase, in the order of a session. */
export const PHASES: readonly Phase[] = Object.entries(TABLE).map(([name, phase]) => ({
  name: name as CalloutName,
  ...phase,
}))

const BY_NAME: ReadonlyMap<string, Phase> = new Map(PHASES.map((phase) => [phase.name, phase]))

/** Other spellings that the manual uses. */
export const ALIASES: Readonly<Record<string, CalloutName>> = {
  core_post_validate_data_spool_each_rcpt: 'core_post_validate_data_spool_each_rcpt_v1',
}

/** Callouts and hooks of Momentum that are not run yet: a script that defines one is told so. */
const LATER = new Set(
  `ac_auth_log_auth_failure core_config_get_domain_relay
  core_config_get_message_routing_domain core_ec_message_enqueue core_get_outbound_tls_parameters
  core_get_received_header_text core_inbound_smtp_tls_post_accept core_log_attempt_v1
  core_log_client_connection_failure core_log_client_connection_success core_log_delivery_v1 core_log_error
  core_log_permanent_failure_v1 core_log_reception_v1 core_log_rejection core_log_reopen
  core_log_transient_failure_v1 core_post_msg_each_rcpt core_post_smtp_command
  core_pre_ec_can_relay_to core_pre_esmtp_auth core_pre_mailq_message_requeue
  core_pre_msg_each_rcpt core_pre_swap_out_meta core_server_esmtp_session_abort core_smtp_tls_reporting
  core_swap_out_multi core_validate_auth core_validate_auth_hook delay_dsn_send_notification
  http_request_eval http_response_eval msg_gen_data_spool outbound_smtp_auth_config rsrc_setup
  seedlist_generate_seed`.split(/\s+/),
)

export function isLaterCallout(name: string): boolean {
  return LATER.has(name) || /^(?:smpp|mm7|mms|gcm|apn|xmpp|httpclnt)_/.test(name)
}

export function findPhase(name: string): Phase | undefined {
  return BY_NAME.get(name)
}

export function phaseOf(name: CalloutName): Phase {
  return { name, ...TABLE[name] }
}

interface Row {
  readonly stage: Stage
  readonly arguments: readonly Argument[]
  readonly result: Result
  readonly state: string
  readonly when: string
}

function row(stage: Stage, args: string, result: Result, state: string, when: string): Row {
  return { stage, arguments: args ? (args.split(' ') as Argument[]) : [], result, state, when }
}
