// Options of Momentum that we read but do not support yet, by the scopes where they are valid (Momentum
// manual, "config.options.summary"). Their values are not checked. An option moves out of here into one of the
// tables beside this file when something honours it.
import { known, LISTENER, type KnownOption } from './option.ts'

const OUTBOUND = ['global', 'domain', 'binding', 'binding_group']
const PATHWAYS = ['global', 'pathway', 'pathway_group']
const SOCKETS = ['esmtp_listener', 'http_listener', 'listen']
const ACCESS = [...LISTENER, 'http_listener']
const MODULES = ['scriptlet', 'engagement_tracker', 'ec_logger', 'event_hydrant']

export const KNOWN: readonly KnownOption[] = [
  known(
    ['control_listener'],
    `accept_queue_backlog authdigestmd5parameters authorizationparameters concurrency
    enable_authentication enable_authorization event_loop events_per_iter file_mode listen_backlog
    pool_name timeout`,
  ),
  known(
    SOCKETS,
    `accept_queue_backlog concurrency event_loop events_per_iter file_mode listen_backlog pool_name
    tcp_recv_buffer_size tcp_send_buffer_size`,
  ),
  known([...SOCKETS, 'global'], 'disable_nagle_algorithm'),
  known(
    ['spf_v1'],
    `debug_level delay_check fail_fallback_string nxdomain_override_string softfail_fallback_string
    temperror_override_string`,
  ),
  known(
    ['opendkim', 'dkim_sign', 'dkim_domain', 'dk_domain'],
    'copy_headers debug_level key_cache_size keycache_size testing',
  ),
  known(['inbound_audit'], 'log_dir'),
  known(['datasource'], 'assume_charset pool serialized'),
  known(['http_listener'], 'idle_time'),
  known(['http_listener'], 'proxy_protocol proxy_protocol_timeout'),
  known(['listen', 'binding'], 'duravip_follow duravip_preference enable_duravip'),
  known(
    ACCESS,
    `authcrammd5parameters authdigestmd5parameters authorizationparameters disable_chunked
    enable_authentication enable_authorization log_requests_to_paniclog max_request_size
    tls_allow_renegotiation tls_verified_peer_is_authorized`,
  ),
  known(
    ['http_listener'],
    `always_allow always_deny authloginparameters authplainparameters tls_verified_peer_can_relay
    tls_verify_mode use_ssl`,
  ),
  known(
    ['http_listener'],
    'tls_certificate tls_ciphers tls_client_ca tls_key tls_protocols tlsv13_ciphersuites',
  ),
  known(['domain', 'binding', 'binding_group'], 'tls_client_ca'),
  known(LISTENER, 'ecstream_idle_time ecstream_max_batch_size mcmt_reception'),
  known([...PATHWAYS, 'domain'], 'alias_schemes'),
  known(PATHWAYS, 'bounce_domains default_charset inbound_throttle_messages'),
  known(
    OUTBOUND,
    `adaptive_adjustment_interval adaptive_alert_email_destination adaptive_attempt_threshold adaptive_body_timeout
    adaptive_default_suspension adaptive_ehlo_timeout adaptive_enabled adaptive_fbl_volume_threshold
    adaptive_idle_timeout adaptive_mailfrom_timeout adaptive_max_deliveries_per_connection
    adaptive_max_outbound_connections adaptive_max_recipients_per_batch adaptive_max_recipients_per_connection
    adaptive_max_resident_active_queue adaptive_max_retries adaptive_max_retry_interval
    adaptive_notification_events adaptive_notification_interval adaptive_outbound_throttle_messages
    adaptive_positive_adjustment_interval adaptive_rcptto_timeout adaptive_rejection_rate_suspension_percentage
    adaptive_retry_fuzz adaptive_retry_interval adaptive_rset_timeout adaptive_scope adaptive_sweep_rule_enabled
    apn_expiry bounce_behavior bounce_pattern bounces_inline_original
    cluster_max_outbound_connections cluster_outbound_throttle_connections cluster_outbound_throttle_messages
    cluster_scope_max_outbound_connections cluster_server_max_outbound_connections     connect_timeout_to_delay connection_allocation_aggressiveness delay_dsn_max_retry_interval
    delay_dsn_retry_interval delayed_binding_domain_fuzz delivery_response_timeout
    dns_failures_to_purge domainkeys drop_body_after_trans_fail ecstream_port ecstream_timeout     enable_fbl_header_insertion enable_mta_sts exclude_vctx_conn exclude_vctx_mess fully_resolve_before_smtp
    gcm_application_id gcm_authorization_token_id gcm_delay_while_idle gcm_dry_run gcm_ttl generate_delay_dsn
    host_failure_retry http_basic_auth http_host http_method http_uri http_version     mailerdaemon max_resident_active_queue max_resident_messages mdn_failures_notify
    mx_failures_fallback_to_a mx_failures_to_delay never_attempt_expired_messages
    response_transcode_pattern
    response_transcode_replace scope_max_outbound_connections
    server_max_outbound_connections     use_mta_sts xclient xmpp_dialback_secret xmpp_role`,
  ),
  known(
    ['global'],
    `_unsafe_spool address_metrics_cleanse_interval address_metrics_lifetime async_bounce_rendering
    binding_auto_replumb binding_auto_replumb_interval bounce_suppress_list clear_mail_queue_maintainers
    control_client_timeout crypto_engine crypto_lock_method debug_throttle_max_num_same_message
    debug_throttle_period_secs default_binding delayed_queue_scan_interval delivery_pool disk_queue_drain_rate
    dns_cache_negative_ttl dns_cache_purge_interval dns_expire_interval dns_fallback_to_tcp
    dns_max_udp_queries_per_port dns_rate_limit_enabled dns_rate_limit_max_queue dns_rate_limit_mx_queries
    dns_rate_limit_period dns_udp_rcvbuf_size dns_udp_sndbuf_size enable_dane expensive_batch_assessment
    force_fsync growbuf_size hot_domains initial_hash_buckets inline_transfail_processing
    keep_message_dicts_in_memory large_message_threshold legacy_message_threshold license local_changes_file
    local_changes_only log_hires_timestamp mail_queue_check_vm_interval maintainer_pool malloc2mmap_threshold
    masterdb_file match_cache_life match_cache_size max_dns_ttl max_resident_transfails max_timed_events_per_iter
    memory_goal memory_hwm migrate_connections_between_sibling_domains mime_parse_large_messages_during_reception
    min_dns_ttl mta_sts_dns_cname_max_depth mta_sts_policy_store only_use_best_mx_for_relay_domains
    pcre_cache_size pcre_cache_ttl permastore_interval pidfile prefer_ipv6_mxs prohibited_hosts
    reserve_maintenance_interval resolv_conf scheduler server_max_file_descriptors
    server_reserve_outbound_connections signing_stats siv_throttle_cache_size skip_hosts soft_bounce_drain_rate
    spool_mode ssl_lock_method swap_out_meta_after_each_tempfail tcp_buffer_size timestampformat
    tls_dhparams_file tls_ec_curve_names tls_enable_dhe_ciphers tls_engine tlsa_expire_interval
    transfail_drain_rate unlink_on_spool_in_failure use_iflist_cache use_ipv6 use_mmap use_sendfile`,
  ),
  known(
    ['scriptlet'],
    'always_gc gc_pause gc_stepmul max_spare_per_master reap_interval script_ttl',
  ),
  known(['script'], 'enabled serialize'),
  known(['engagement_tracker'], 'enabled'),
  known(['ec_logger'], 'acctlog_log_mode importlog importlog_mode log_errors'),
  known(
    ['event_hydrant'],
    'concurrency log_conversion log_genfail log_genrejection log_outofband_bounce',
  ),
  known(['bounce_logger'], 'log_outofband_bounces'),
  known([...MODULES, 'bounce_logger'], 'debug_level'),
]
