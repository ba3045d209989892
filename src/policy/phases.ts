// The phases of a mail's way through policy, as one table: every callout that a scriptlet may define,
// in the order in which they run. Dispatch, checks and documentation read it.
// Sources: Momentum manual pages "implementing.policy.scriptlets" and "lua.ref.msys.registerModule";
// the hooks (`core_…`) from the C reference pages of the same names.

import type { Stage } from '../msys/stage.ts'
import { ASYNC_BODY, BODY, CONNECT, HELLO } from './states.ts'

export type Argument =
  'str' | 'msg' | 'ac' | 'vctx' | 'mc' | 'list_node' | 'user' | 'password' | ExtraArgument

/** What comes with the hook that has it, see `Subject.extra`. */
export type ExtraArgument =
  | ('response' | 'auth_info' | 'auth_status' | 'flags' | 'now' | 'note' | 'note_len' | 'dr')
  | ('params' | 'scope' | 'buff')
  | ('b' | 'phase' | 'format' | 'args' | 'event' | 'eventtype' | 'vclosure')

/**
 * What the callout's result means. `verdict`: CONT, DONE or AGAIN drive the chain, the reply is data on
 * vctx. `binding`: CONT or DONE, no reply to change. `final`: 0 continue, 1 reject, 2 defer. `ignored`:
 * called for its effects. `success`: must be true. `auth`: EC_AUTH_OK, EC_AUTH_FAIL or EC_AUTH_ERROR.
 * `answer`: a number; `neutral` (or nil) leaves it to the next script.
 */
export type Result = 'verdict' | 'binding' | 'final' | 'ignored' | 'success' | 'auth' | 'answer'

export interface Phase {
  readonly name: CalloutName
  /** Which functions of the API it may call. */
  readonly stage: Stage
  readonly arguments: readonly Argument[]
  readonly result: Result
  readonly neutral?: number
  /** The phase string of rejectlog (`P=`). */
  readonly state: string
  readonly when: string
}

export type CalloutName = keyof typeof TABLE

const TABLE = {
  init: row('load', '', 'success', '', 'the policy is loaded'),
  rsrc_setup: row('load', '', 'ignored', '', 'after init: for endpoints and console commands'),
  core_validate_accept: row('connect', 'ac vctx', 'verdict', CONNECT, 'a connection is accepted'),
  validate_connect: row('connect', 'ac vctx', 'verdict', CONNECT, 'before the greeting'),
  core_validate_connect: row(
    'connect',
    'ac vctx',
    'ignored',
    CONNECT,
    'after every validate_connect',
  ),
  core_post_smtp_command: row(
    'other',
    'b mc vctx',
    'ignored',
    '',
    'every command line, good or bad',
  ),
  validate_ehlo: row('ehlo', 'str ac vctx', 'verdict', HELLO, 'EHLO or HELO'),
  core_inbound_smtp_tls_post_accept: row(
    'ehlo',
    'mc event eventtype vclosure now',
    'ignored',
    'extension 1',
    'TLS is in use',
  ),
  core_pre_esmtp_auth: {
    ...row('ehlo', 'ac mc vctx', 'answer', HELLO, 'AUTH, credentials are there but not checked'),
    neutral: -1,
  },
  ac_auth_perform_auth: row(
    'ehlo',
    'user password ac response',
    'auth',
    HELLO,
    'AUTH, where the source of passwords is ac_auth://',
  ),
  ac_auth_log_auth_failure: row(
    'ehlo',
    'user ac response',
    'ignored',
    HELLO,
    'after ac_auth_perform_auth did not let the user in',
  ),
  core_validate_auth: row(
    'ehlo',
    'vctx auth_info auth_status',
    'verdict',
    HELLO,
    'AUTH has passed or failed',
  ),
  validate_mailfrom: row('mailfrom', 'str ac vctx', 'verdict', 'awaiting mailfrom', 'MAIL FROM'),
  validate_rcptto: row('rcptto', 'msg str ac vctx', 'verdict', 'awaiting rcptto', 'each RCPT TO'),
  core_get_received_header_text: {
    ...row('data', 'msg mc ac vctx response', 'answer', BODY, 'the Received field is made'),
    neutral: 0,
  },
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
  core_pre_msg_each_rcpt: row(
    'copy',
    'msg ac',
    'ignored',
    ASYNC_BODY,
    'each copy, first; also of messages that policy sends',
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
  core_post_msg_each_rcpt: row(
    'copy',
    'msg ac vctx',
    'ignored',
    ASYNC_BODY,
    'each copy, the same place; also of messages that policy sends',
  ),
  core_config_get_message_routing_domain: {
    ...row(
      'copy',
      'scope msg buff',
      'answer',
      ASYNC_BODY,
      'each copy, when its queue is chosen: a domain in `buff`, and another number than 0, choose it',
    ),
    neutral: 0,
  },
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
  core_pre_swap_out_meta: {
    ...row('final', 'msg flags', 'answer', ASYNC_BODY, 'each copy, about to be spooled'),
    neutral: 1,
  },
  core_ec_message_enqueue: {
    ...row('final', 'msg now', 'answer', ASYNC_BODY, 'each copy, about to be queued'),
    neutral: 0,
  },
  core_log_reception_v1: row(
    'delivery',
    'ac msg now note note_len',
    'ignored',
    '',
    'each copy that was accepted, once it is on disk',
  ),
  core_get_outbound_tls_parameters: row(
    'delivery',
    'msg params',
    'ignored',
    '',
    'each attempt to deliver a copy, before there is a connection for it',
  ),
  outbound_smtp_auth_config: row(
    'delivery',
    'msg ac vctx',
    'ignored',
    '',
    'the same place, for who we are to the next hop',
  ),
  core_log_attempt_v1: outcome('each attempt to deliver a copy, before the next three'),
  core_log_delivery_v1: outcome('each copy that was delivered'),
  core_log_transient_failure_v1: outcome('each attempt that failed for now'),
  core_pre_mailq_message_requeue: row(
    'delivery',
    'msg now',
    'ignored',
    '',
    'each attempt that failed for now, before the copy waits for the next',
  ),
  core_log_permanent_failure_v1: outcome('each copy that failed for good'),
  core_log_rejection: row(
    'other',
    'now ac vctx phase format args',
    'ignored',
    '',
    'each line of rejectlog',
  ),
  core_log_reopen: row('other', '', 'ignored', '', 'log files are opened anew'),
  core_server_esmtp_session_abort: row('end', 'ac', 'ignored', '', 'the client went without QUIT'),
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
const ALIASES: Readonly<Record<string, CalloutName>> = {
  core_post_validate_data_spool_each_rcpt: 'core_post_validate_data_spool_each_rcpt_v1',
  core_validate_auth_hook: 'core_validate_auth',
}

/** Callouts and hooks of Momentum that are not run yet: a script that defines one is told so. */
const LATER = new Set(
  `config_rsrc_setup core_config_get_domain_relay
  core_get_inbound_tls_parameters core_log_client_connection_failure
  core_log_client_connection_success core_log_error core_pre_ec_can_relay_to
  core_smtp_tls_reporting core_swap_out_multi delay_dsn_send_notification
  http_request_eval http_response_eval msg_gen_data_spool seedlist_generate_seed`.split(/\s+/),
)

export function laterCallouts(): readonly string[] {
  return [...LATER]
}

export function isLaterCallout(name: string): boolean {
  return LATER.has(name) || /^(?:smpp|mm7|mms|gcm|apn|xmpp|httpclnt)_/.test(name)
}

export function findPhase(name: string): Phase | undefined {
  return BY_NAME.get(name)
}

/** The name of a callout that may be written in another spelling. */
export function resolvePhase(name: string): string {
  return ALIASES[name] ?? name
}

export function phaseOf(name: CalloutName): Phase {
  return BY_NAME.get(name) ?? { name, ...TABLE[name] }
}

interface Row {
  readonly stage: Stage
  readonly arguments: readonly Argument[]
  readonly result: Result
  readonly state: string
  readonly when: string
}

/** A hook that hears what became of a copy. */
function outcome(when: string): Row {
  return row('delivery', 'msg dr now note note_len', 'ignored', '', when)
}

function row(stage: Stage, args: string, result: Result, state: string, when: string): Row {
  return { stage, arguments: args ? (args.split(' ') as Argument[]) : [], result, state, when }
}
