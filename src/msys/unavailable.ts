// What of Momentum's API belongs to other products or to Momentum's inside: it can be required and read,
// and says why it is not available when it is called.
import type { Declaration } from './declaration.ts'

const LICENSED = 'needs a scanner that is licensed separately'
const MOBILITY = 'this server carries no mobile traffic'
const INTERNAL = 'it reaches into the internals of Momentum'
const DRAFT = 'DKIM2 is not a standard yet'
const OBSOLETE = 'DomainKeys is obsolete: use DKIM'

const ROWS: readonly (readonly [why: string, names: string])[] = [
  [INTERNAL, 'msys.core.mail_queue_delay_domain msys.core.scheduler_for_domain'],
  [INTERNAL, 'msys.os.statvfs_read msys.os.statvfs_subscribe'],
  [INTERNAL, 'msys.threadpool.count msys.threadpool.find msys.threadpool.stat'],
  ['there is no Sieve', 'msys.runSieveScript'],
  ['there is no adaptive delivery', 'msys.adaptive.registerRules'],
  ['there is no SNMP', 'msys.policyeditor.send_trap'],
  ['there are no statistics by binding', 'msys.policyeditor.get_binding_domain_failure_rate'],
  ['no reflector is sent mail', 'msys.validate.dkim.reflect'],
  [OBSOLETE, 'msys.validate.dk.get_responsible_domain msys.validate.dk.sign'],
  [DRAFT, 'msys.validate.dkim2.ar_clauses msys.validate.dkim2.sign msys.validate.dkim2.verify'],
  [LICENSED, 'msys.av.engines msys.av.scan msys.av.scan_part'],
  [LICENSED, 'msys.brightmail.scan msys.commtouch.diagnose msys.expurgate.scan'],
  [LICENSED, 'msys.symantec_beik.scan'],
  [
    LICENSED,
    'msys.cloudmark.add_af_data msys.cloudmark.analyze msys.cloudmark.score msys.cloudmark.score_af ' +
      'msys.cloudmark.set_af_mode_discard msys.cloudmark.set_af_mode_keep ' +
      'msys.cloudmark.set_af_mode_movemsg msys.cloudmark.set_af_msi_address',
  ],
  [MOBILITY, 'msys.apn.apn_status_classifier msys.delivery.ob_get_current_message'],
  [MOBILITY, 'msys.gcm.gcm_classify_error msys.gcm.gcm_get_result_error_code'],
  [MOBILITY, 'msys.httpclnt.http_status_classifier'],
  [MOBILITY, 'msys.mstore.delete msys.mstore.inject msys.mstore.load msys.mstore.save'],
  [
    MOBILITY,
    'sess:request_add_header sess:request_delete_header sess:request_finalize sess:request_set_body',
  ],
]

export const UNAVAILABLE: readonly Declaration[] = ROWS.flatMap(([doc, names]) =>
  names.split(' ').map((name): Declaration => ({
    name,
    parameters: ['...arguments'],
    result: 'nil',
    tier: 3,
    support: 'unavailable',
    doc,
  })),
)

/** Modules of which nothing will come: they can be required, and whatever is read of them raises. */
export const UNAVAILABLE_MODULES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['aggregator', 'goodmail', 'mcmt', 'mm7', 'mms', 'smpp', 'xmpp'].map((name) => [
      `msys.${name}`,
      MOBILITY,
    ]),
  ),
  'msys.http_lua': 'mail is delivered over SMTP only',
}
