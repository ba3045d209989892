// What of the API is not implemented yet: it can be read, and raises when it is called. A function that
// gets implemented leaves this file. A row: tier, where it may be called, signature, result, what it does.
import type { Declaration, Tier } from './declaration.ts'
import { LOAD_STAGE, MESSAGE_STAGES, RECIPIENT_STAGES, type Stage } from './stage.ts'

const STAGES_OF: Readonly<Record<string, readonly Stage[] | undefined>> = {
  any: undefined,
  load: LOAD_STAGE,
  rcpt: RECIPIENT_STAGES,
  message: MESSAGE_STAGES,
  data: ['data'],
  final: ['final'],
}

const ROWS = `
1 any msys.config(action, ...scope) | string | reads or sets an option
2 any msys.snmpTrap(options) | nil | sends an SNMP trap
2 any msys.core.dns_get_domain(name) | domain_record or nil | a domain's queue
2 message msys.core.rfc2822_prepend_headers(msg, headers) | nil | puts header lines first
1 any msys.db.query(cache, sql, params?, options?) | iterator or nil, error | asks a data source
1 any msys.db.fetch_row(cache, sql, params?, options?) | table or nil, error | the first row
1 any msys.db.execute(cache, sql, params?, options?) | boolean, error | writes to a data source
2 any curl.new() | curl | a libcurl handle
2 any c:setopt(option, ...values) | nil | sets an option
2 any c:perform() | boolean, error | does the transfer
2 any c:close() | nil | ends it
2 load msys.httpsrv.register(method, path, handler) | nil | an HTTP endpoint
2 any session:request_url_get() | table | the URL that was asked for
2 any session:response_status_set_std(code, body, mimetype?) | nil | answers
2 message msys.spamc.spamc_scan(msg) | nil | asks SpamAssassin
2 any msys.audit.connections(monitor, options?) | number | connections in a time window
2 any msys.audit.receptions(monitor, options?) | number | receptions in a time window
2 any msys.audit.rejections(monitor, options?) | number | rejections in a time window
1 any msys.cidr.define(name, options) | nil | a table of networks
1 any msys.cidr.query(name, address?) | string | looks an address up
2 any msys.cidr.reload(name) | nil | reads it again
1 data msys.validate.opendkim.verify(msg) | dkim, number | verifies DKIM signatures
1 data msys.validate.opendkim.get_num_sigs(dkim) | number, number | how many signatures
1 data msys.validate.opendkim.get_sig(dkim, index?) | sig, number | one of them, from 0
2 data msys.validate.opendkim.get_sig_canons(sig) | string, number | header canonicalisation
1 data msys.validate.opendkim.get_sig_domain(sig) | string, number | its domain
1 data msys.validate.opendkim.get_sig_errorstr(sig) | string, number | what is wrong with it
2 data msys.validate.opendkim.get_sig_flags(sig) | number, number | DKIM_SIGFLAG bits
2 data msys.validate.opendkim.get_sig_hdrsigned(sig, header) | boolean, number | whether a field is signed
2 data msys.validate.opendkim.get_sig_identity(dkim, sig) | string, number | its identity
1 data msys.validate.opendkim.get_sig_keysize(sig) | number, number | bits of the key
2 data msys.validate.opendkim.get_sig_selector(sig) | string, number | its selector
2 data msys.validate.opendkim.get_sig_signalg(sig) | string, number | its algorithm
2 message msys.validate.dkim.get_domains(msg?, vctx?) | string[] | domains with a good signature
2 message msys.validate.dkim.get_responsible_domain(msg?, vctx?) | string | the responsible domain
2 message msys.validate.dkim.get_verify_results(vctx?) | number, results | how verification went
2 message msys.validate.dkim.verify_results_get_count(results) | number | how many
2 message msys.validate.dkim.verify_results_get_item(results, index) | table | one of them, from 0
2 message msys.validate.dkim.verify_status_to_string(status) | string | a status as text
2 message msys.validate.openarc.verify(msg) | nil | verifies an ARC chain
2 final msys.validate.openarc.sign(msg, options, results?) | nil | adds an ARC set
2 final msys.validate.openarc.seal(msg, options, results?) | nil | adds an ARC set
2 any msys.tls_params.set(params, name, value) | nil | parameters of an outbound TLS session
2 message msys.bounce.classify(msg) | number, string, string, string | classifies a bounce message
2 any msys.rfc3464.compute_delivery_status(msg, action) | table | the fields of a delivery status
2 any msys.rfc3464.compute_delivery_status_string(response) | string | the status of a reply
2 any msys.rfc3464.create_mdn(msg, action) | message | makes a notification
2 any msys.rfc3464.extract_delivery_status(msg) | table or nil | reads a delivery status
2 any msys.rfc3464.send_mdn(msg, action) | 1 or 0 | sends a notification
2 any msys.pbp.check_whitelist(vctx, config) | boolean | whether a whitelist applies
2 any msys.pbp.set_whitelist(vctx, type, name, value) | nil | says whether a whitelist applies
2 any msys.pbp.fcdns_check(ac, vctx) | boolean, string, string | checks reverse and forward DNS
2 any msys.pbp.size_in_bytes(text) | number | a size such as 30m as a number
2 any msys.policyeditor.send_email(ctx, vars, options) | nil | sends a message
2 any msys.dp_config.custom_policy | table | callbacks of the default policy
`

export const PENDING: readonly Declaration[] = ROWS.trim().split('\n').map(readRow)

function readRow(row: string): Declaration {
  const [head = '', result = '', doc = ''] = row.split(' | ')
  const [, tier, where = '', name = '', parameters] =
    /^([12]) (\w+) ([\w.:]+)(?:\((.*)\))?$/.exec(head) ?? []
  const stages = STAGES_OF[where]
  return {
    name,
    ...(parameters !== undefined && { parameters: parameters.split(', ').filter(Boolean) }),
    result: result.replaceAll(' or ', ' | '),
    tier: Number(tier) as Tier,
    support: 'pending',
    ...(stages && { stages }),
    doc,
  }
}
