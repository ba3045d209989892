// What a refusal means, as one of Momentum's bounce classes (manual page "bounce_classifications"): from what
// the reply says in words, then from its enhanced code (RFC 3463), then from its code. First match wins. Pure.

export const BOUNCE_CLASSES = {
  undetermined: 1,
  invalidRecipient: 10,
  soft: 20,
  dnsFailure: 21,
  mailboxFull: 22,
  tooLarge: 23,
  timeout: 24,
  adminFailure: 25,
  mailBlock: 50,
  spamBlock: 51,
  spamContent: 52,
  prohibitedAttachment: 53,
  relayDenied: 54,
  transient: 70,
  challenge: 100,
} as const

type Name = keyof typeof BOUNCE_CLASSES

/** Momentum's name of a class, and what it says of a message. */
export function describeClass(code: number): { readonly name: string; readonly meaning: string } {
  const [name, meaning] = DESCRIPTIONS.get(code) ?? [
    'Undetermined',
    'nothing is known of the reason',
  ]
  return { name, meaning }
}

const DESCRIPTIONS = new Map<number, readonly [name: string, meaning: string]>([
  [10, ['Invalid Recipient', 'there is no such recipient']],
  [20, ['Soft Bounce', 'refused for now']],
  [21, ['DNS Failure', 'DNS does not lead to the next hop']],
  [22, ['Mailbox Full', 'the mailbox has no room']],
  [23, ['Too Large', 'the message is too large']],
  [24, ['Timeout', 'it could not be delivered in time']],
  [25, ['Admin Failure', 'our own policy refused it']],
  [50, ['Mail Block', 'the receiver blocks this mail']],
  [51, ['Spam Block', 'the receiver blocks this source of mail']],
  [52, ['Spam Content', 'the receiver takes the content for spam']],
  [53, ['Prohibited Attachment', 'the receiver refuses an attachment']],
  [54, ['Relaying Denied', 'the receiver does not relay']],
  [70, ['Transient Failure', 'delayed for the time being']],
  [100, ['Challenge-Response', 'the receiver asks for a confirmation']],
])

/** `text` is one line: code, enhanced code if there is one, words. */
export function bounceClass(text: string): number {
  const words = text.toLowerCase()
  const enhanced = /^[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(text)?.[1]?.slice(2) ?? ''
  const name =
    WORDS.find(([, pattern]) => pattern.test(words))?.[0] ??
    ENHANCED[enhanced] ??
    (text.startsWith('4') ? 'transient' : 'undetermined')
  return BOUNCE_CLASSES[name]
}

// Plain alternatives: linear in what a stranger may send.
const WORDS: readonly (readonly [Name, RegExp])[] = [
  ['adminFailure', /^5\d\d 5\.7\.0 \[internal\]|^5\d\d (?:\[internal\] )?(?:message )?manually/],
  ['timeout', /exceeded max time|message timeout|\[internal\] connection timed out/],
  [
    'dnsFailure',
    /domain lookup failed|null mx|no mx or a|no mxs for|host not found|domain not found/,
  ],
  [
    'mailboxFull',
    /mailbox (?:is )?full|over ?quota|quota exceeded|exceeded storage|insufficient mailbox/,
  ],
  ['tooLarge', /message (?:is )?too (?:large|big)|exceeds .{0,30}size|size limit|message size/],
  ['prohibitedAttachment', /attachment|executable|virus|malware|infected/],
  ['challenge', /challenge.response|confirm your (?:message|email)|sender verification required/],
  [
    'relayDenied',
    /relay(?:ing)? (?:access )?(?:is )?(?:denied|not permitted|not allowed)|unable to relay|not allowed to relay/,
  ],
  [
    'spamBlock',
    /blacklist|block ?list|black ?list|denylist|blocked using|spamhaus|spamcop|barracuda|sorbs|reputation|listed (?:in|at|on)|\brbl\b|dnsbl/,
  ],
  ['spamContent', /spam|unsolicited|junk|content (?:rejected|filter)|bulk mail/],
  [
    'mailBlock',
    /blocked|\bbanned|access denied|not accepted from|prohibited by|policy (?:reasons|violation)|dmarc/,
  ],
  [
    'invalidRecipient',
    /user (?:is )?unknown|unknown (?:user|recipient|address)|no such (?:user|address|recipient|mailbox)|(?:does not|doesn't) exist|invalid (?:recipient|mailbox|address|user)|recipient (?:address )?rejected|not found|mailbox unavailable|account (?:is )?disabled|inactive/,
  ],
  [
    'soft',
    /too many (?:connections|recipients|messages|errors)|try again|greylist|grey-list|rate limit|throttl|deferred/,
  ],
]

/** Without the class digit. */
const ENHANCED: Readonly<Record<string, Name>> = {
  '1.0': 'invalidRecipient',
  '1.1': 'invalidRecipient',
  '1.2': 'dnsFailure',
  '1.3': 'invalidRecipient',
  '1.4': 'invalidRecipient',
  '1.6': 'invalidRecipient',
  '1.10': 'dnsFailure',
  '2.1': 'invalidRecipient',
  '2.2': 'mailboxFull',
  '2.3': 'tooLarge',
  '3.4': 'tooLarge',
  '4.3': 'dnsFailure',
  '4.4': 'dnsFailure',
  '4.7': 'timeout',
  '7.1': 'mailBlock',
  '7.0': 'mailBlock',
}
