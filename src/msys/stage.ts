// Where on a mail's way a callout runs, as the table of the API needs it: a function that belongs to some
// stages only refuses to be called elsewhere.

export const STAGES = [
  /** The top level of scripts, and `init`. */
  'load',
  'connect',
  'ehlo',
  'mailfrom',
  'rcptto',
  'data',
  'spool',
  /** One recipient's copy, before links and pixel are put in. */
  'copy',
  'binding',
  /** One recipient's copy, after that. */
  'final',
  'delivery',
  /** The session or the policy ends. */
  'end',
  /** Timers, console commands, HTTP. */
  'other',
] as const

export type Stage = (typeof STAGES)[number]

/** Where a whole message is there. */
export const MESSAGE_STAGES: readonly Stage[] = [
  'data',
  'spool',
  'copy',
  'binding',
  'final',
  'delivery',
  'other',
]
/** Where a recipient is known. */
export const RECIPIENT_STAGES: readonly Stage[] = ['rcptto', ...MESSAGE_STAGES]
/** Where one copy exists for each recipient. */
export const COPY_STAGES: readonly Stage[] = ['copy', 'final', 'delivery', 'other']
export const BINDING_STAGE: readonly Stage[] = ['binding']
/** Everywhere but in the choice of a binding. */
export const NOT_BINDING: readonly Stage[] = STAGES.filter((stage) => stage !== 'binding')
export const LOAD_STAGE: readonly Stage[] = ['load']
/** Before EHLO is answered. */
export const HELLO_STAGES: readonly Stage[] = ['connect', 'ehlo']

/** How policy authors call a stage: by its callout. */
export const STAGE_TEXTS: Readonly<Record<Stage, string>> = {
  load: 'while scripts load',
  connect: 'validate_connect',
  ehlo: 'validate_ehlo',
  mailfrom: 'validate_mailfrom',
  rcptto: 'validate_rcptto',
  data: 'validate_data',
  spool: 'validate_data_spool',
  copy: 'validate_data_spool_each_rcpt',
  binding: 'validate_set_binding',
  final: 'core_final_validation',
  delivery: 'delivery hooks',
  end: 'validate_dealloc',
  other: 'timers, console commands, HTTP handlers',
}
