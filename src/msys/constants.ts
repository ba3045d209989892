// The constants of `msys.core`. Momentum documents their names; where it documents no number, any
// distinct one will do, since policy uses the names. Pairs that real policy mixes have equal values.

export const VALIDATE_CONT = 0
export const VALIDATE_DONE = 1
export const VALIDATE_AGAIN = 2

/** Which dictionary: VCTX_* for the session's view, ECMESS_CTX_* for a message's; scripts mix them. */
export const CONNECTION_DICTIONARY = 0
export const MESSAGE_DICTIONARY = 1

export const PROTOCOL_INTERNAL = 0
export const PROTOCOL_ESMTP = 2

/** The hook has taken the message: it is not queued. */
export const ENQUEUE_OK = 1

export const AUTH_FAIL = 0
export const AUTH_OK = 1
export const AUTH_ERROR = 2

/** Flags of msg:get_envelope2 and msg:render_to_string. */
export const ENVELOPE_FROM = 1
export const ENVELOPE_TO = 2
export const ENVELOPE_COMPLETE = 16
export const RENDER_OMIT_DOT = 1

/** By their numbers: the transfer encodings that msg:makePart labels. */
export const TRANSFER_ENCODINGS = ['7bit', '8bit', 'quoted-printable', 'base64'] as const

export const CORE_CONSTANTS: Readonly<Record<string, number>> = {
  VALIDATE_CONT,
  VALIDATE_DONE,
  VALIDATE_AGAIN,
  VCTX_CONN: CONNECTION_DICTIONARY,
  VCTX_MESS: MESSAGE_DICTIONARY,
  ECMESS_CTX_CONN: CONNECTION_DICTIONARY,
  ECMESS_CTX_MESS: MESSAGE_DICTIONARY,
  EC_HOOK_CONT: 0,
  EC_HOOK_DONE: 1,
  EC_HOOK_RETRY: 2,
  EC_MESSAGE_ENQUEUE_HOOK_CONT: 0,
  EC_MESSAGE_ENQUEUE_HOOK_OK: ENQUEUE_OK,
  EC_MESSAGE_ENQUEUE_HOOK_ERR: 2,
  EC_MSG_ENV_FROM: ENVELOPE_FROM,
  EC_MSG_ENV_TO: ENVELOPE_TO,
  EC_MSG_ENV_COMPLETE: ENVELOPE_COMPLETE,
  EC_MSG_RENDER_OMIT_DOT: RENDER_OMIT_DOT,
  EC_MIME_TE_7BIT: 0,
  EC_MIME_TE_8BIT: 1,
  EC_MIME_TE_QUOTED_PRINTABLE: 2,
  EC_MIME_TE_BASE64: 3,
  STRING_TYPE_MALLOC: 0,
  STRING_TYPE_ECSTRING: 1,
  STRING_TYPE_MESSAGE_BODY: 2,
  STRING_TYPE_SIEVE: 3,
  STRING_TYPE_STATIC: -100,
  STRING_TYPE_DISK_BACKED: -101,
  STRING_TYPE_IO_OBJECT: -102,
  STRING_TYPE_GROWBUF: -103,
  STRING_TYPE_GROWABLE_STATIC: -104,
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_APPEND: 0o2000,
  O_BINARY: 0,
  EC_AUTH_FAIL: AUTH_FAIL,
  EC_AUTH_OK: AUTH_OK,
  EC_AUTH_ERROR: AUTH_ERROR,
  FAILED: 0,
  DELAYED: 1,
  DELIVERED: 2,
  RELAYED: 3,
  EXPANDED: 4,
  ECTP_COMPLETE_CALLBACK: 0,
  ECTP_COMPLETE_CALLBACK_SCHED: 1,
  P_INTERNAL: PROTOCOL_INTERNAL,
  P_ESMTP: PROTOCOL_ESMTP,
  P_MM7: 3,
  P_SMPP: 4,
  AF_INET: 2,
  AF_INET6: 10,
  LOG_ERR: 3,
  LOG_WARNING: 4,
  LOG_NOTICE: 5,
  LOG_INFO: 6,
  LOG_DEBUG: 7,
  DCRITICAL: 0,
  DERROR: 1,
  DWARNING: 2,
  DNOTICE: 3,
  DINFO: 4,
  DDEBUG: 5,
  EM_TRYING: 0,
  EM_SUCCEEDED: 1,
  EM_FAILED: 2,
}
