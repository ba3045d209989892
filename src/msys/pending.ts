// The names of the API that raise when they are called: those not implemented yet, and those that need
// what this server does not have. One table; a function that gets implemented leaves it.

/** By module or object: names that will come. */
export const PENDING: Readonly<Record<string, string>> = {
  ac: 'esmtp_capability_add esmtp_capability_remove inbound_session_count pbp_inbound_session_count_service',
  vctx: 'add_recipient remove_recipient recipient_list iterate_rcpt pbp_action pbp_disconnect',
  msg:
    'address_header binding binding_group body body_match body_replace build code copy forward ' +
    'get_code set_code get_delivery_method get_envelope2 get_message_size inject listener_addr ' +
    'makeBoundary makeContainer makePart mime raw raw_match raw_replace reception_peer ' +
    'render_to_string snapshot text text_match text_replace',
  msys:
    'asyncOk cast config dnsLookup getClassMetaTable lock log parseRFC2822Addresses readfile ' +
    'registerAuth registerControl runInPool shareGet shareSet shareUnset sleep snmpTrap type unlock',
  'msys.core':
    'accept_construct_get_message_construct config_get_binding_group_size ' +
    'config_get_binding_id_from_name config_get_binding_name_from_id dict_add_key_value ' +
    'dict_iter2 dict_iter2_free dict_key_delete dict_next dns_get_domain ec_message_builder ' +
    'ec_message_context_get ec_message_context_set ec_message_new ec_sockaddr_family get_now_ts ' +
    'io_wrapper_open protocol_string rfc2822_prepend_headers string_new',
  'msys.audit': 'connections inbound_session_count receptions rejections',
  'msys.audit_series': 'add count define remove_item',
  'msys.base64': 'decode encode',
  'msys.bounce': 'classify classify_smtp_response',
  'msys.cidr': 'define query reload',
  'msys.counter': 'add inc open read reset unlink',
  'msys.db': 'execute fetch_row query',
  'msys.dumper': 'Dumper',
  'msys.gauge_cache': 'dec define get inc remove_item',
  'msys.http.client': 'new',
  'msys.httpsrv': 'register',
  'msys.idn': 'to_idn to_utf8',
  'msys.pbp': 'check_whitelist fcdns_check set_whitelist size_in_bytes',
  'msys.pcre': 'match replace split',
  'msys.policyeditor':
    'del_header get_header get_mailfrom get_mess_recv_from get_mess_recv_via get_rcptto ' +
    'get_variable pcre_match send_email set_binding set_binding_group set_variable vctx_conn_get ' +
    'vctx_conn_set vctx_mess_get vctx_mess_set',
  'msys.qp': 'decode encode',
  'msys.rfc3464':
    'compute_delivery_status compute_delivery_status_string create_mdn extract_delivery_status send_mdn',
  'msys.spamc': 'spamc_scan',
  'msys.timer': 'after at every',
  'msys.tls_params': 'set',
  'msys.validate.dkim':
    'get_domains get_responsible_domain get_verify_results sign verify_results_get_count ' +
    'verify_results_get_item verify_status_to_string',
  'msys.validate.openarc': 'seal sign verify',
  'msys.validate.opendkim':
    'get_num_sigs get_sig get_sig_canons get_sig_domain get_sig_errorstr get_sig_flags ' +
    'get_sig_hdrsigned get_sig_identity get_sig_keysize get_sig_selector get_sig_signalg sign verify',
  curl: 'escape new unescape',
  json: 'addref decode encode free new strerror',
  thread: 'mutex rwlock',
  xml: 'parsexml',
}

const LICENSED = 'needs a scanner that is licensed separately'
const MOBILITY = 'this server carries no mobile traffic'
const INTERNAL = 'it reaches into the internals of Momentum'

/** By module: names that will not come, and why. */
export const UNAVAILABLE: Readonly<
  Record<string, { readonly names: string; readonly why: string }>
> = {
  msg: { names: 'is_mcmt', why: MOBILITY },
  msys: { names: 'runInInst runSieveScript', why: 'there is no Sieve and no other interpreter' },
  'msys.core': { names: 'mail_queue_delay_domain scheduler_for_domain', why: INTERNAL },
  'msys.adaptive': { names: 'registerRules', why: 'there is no adaptive delivery' },
  'msys.apn': { names: 'apn_status_classifier', why: MOBILITY },
  'msys.av': { names: 'engines scan scan_part', why: LICENSED },
  'msys.brightmail': { names: 'scan', why: LICENSED },
  'msys.cloudmark': {
    names:
      'add_af_data analyze score score_af set_af_mode_discard set_af_mode_keep ' +
      'set_af_mode_movemsg set_af_msi_address',
    why: LICENSED,
  },
  'msys.commtouch': { names: 'diagnose', why: LICENSED },
  'msys.delivery': { names: 'ob_get_current_message', why: MOBILITY },
  'msys.expurgate': { names: 'scan', why: LICENSED },
  'msys.gcm': { names: 'gcm_classify_error gcm_get_result_error_code', why: MOBILITY },
  'msys.httpclnt': { names: 'http_status_classifier', why: MOBILITY },
  'msys.mstore': { names: 'load save delete inject', why: MOBILITY },
  'msys.os': { names: 'statvfs_read statvfs_subscribe', why: INTERNAL },
  'msys.symantec_beik': { names: 'scan', why: LICENSED },
  'msys.threadpool': { names: 'count find stat', why: INTERNAL },
  'msys.validate.dk': {
    names: 'get_responsible_domain sign',
    why: 'DomainKeys is obsolete: use DKIM',
  },
  'msys.validate.dkim2': { names: 'ar_clauses sign verify', why: 'DKIM2 is not a standard yet' },
}

/** Modules of which nothing will come: they can be required, and whatever is read of them raises. */
export const UNAVAILABLE_MODULES: Readonly<Record<string, string>> = Object.fromEntries(
  ['aggregator', 'goodmail', 'mcmt', 'mm7', 'mms', 'smpp', 'xmpp'].map((name) => [
    `msys.${name}`,
    MOBILITY,
  ]),
)

/** What policy may `require` beside the modules of functions: they only add methods, which are always there. */
export const EXTENSIONS: readonly string[] = [
  'msys.boot',
  'msys.datasource',
  'msys.extended.ac',
  'msys.extended.httpsrv',
  'msys.extended.message',
  'msys.extended.message_routing',
  'msys.extended.vctx',
]
