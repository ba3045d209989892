// What a client says in a rehearsed session, and what a transaction of it came to.
import { canonicalLines } from '../mime/line.ts'
import type { CalloutTrace } from '../policy/trace.ts'
import type { SeenCopy } from '../smtp/watcher.ts'
import type { Keyring } from '../tracking/keyring.ts'
import type { Client, SaidReply } from './client.ts'
import { reportTransaction } from './recipients.ts'
import type { Mail } from './rehearsal.ts'
import type { TransactionResult } from './result.ts'
import type { World } from './world.ts'

export interface Stage {
  readonly world: World
  /** Copies since the last transaction. */
  seen: SeenCopy[]
  /** Every callout, and how many of them have been told. */
  readonly trace: CalloutTrace[]
  told: number
  messageContext: Readonly<Record<string, string>>
}

export interface Talk {
  readonly stage: Stage
  readonly keyring: Keyring
  readonly client: Client
  /** What MAIL and RCPT have come to so far. */
  mailfrom: SaidReply
  rcpttos: TransactionResult['rcpttos'][number][]
}

/** MAIL, RCPT, DATA and the final dot, as far as they are answered with success. */
export async function transact(talk: Talk, mail: Mail): Promise<TransactionResult> {
  const parameters = mail.parameters ? ` ${mail.parameters}` : ''
  const mailfrom = await say(talk, `MAIL FROM:<${mail.mailfrom}>${parameters}`)
  for (const rcptto of mailfrom.code < 400 ? mail.rcpttos : []) {
    await say(talk, `RCPT TO:<${rcptto}>`, rcptto)
  }
  const { rcpttos } = talk
  const refusal = rcpttos.some(({ reply }) => reply.code < 400)
    ? undefined
    : (rcpttos.at(-1)?.reply ?? mailfrom)
  return sendData(talk, mail.message, refusal)
}

/** Any command but DATA. */
export async function say(talk: Talk, line: string, rcptto = addressIn(line)): Promise<SaidReply> {
  const reply = await talk.client.say(line)
  if (/^mail\b/i.test(line)) {
    talk.mailfrom = reply
    talk.rcpttos = []
  }
  if (/^rcpt\b/i.test(line)) talk.rcpttos.push({ rcptto, reply })
  return reply
}

/** `refusal`: why nothing can be sent. */
export async function sendData(
  talk: Talk,
  message: Buffer,
  refusal?: SaidReply,
): Promise<TransactionResult> {
  const { stage, keyring, client, mailfrom, rcpttos } = talk
  const given = asSent(message)
  const reply = refusal ?? (await client.data(given))
  if (refusal && !client.isClosed) await client.say('RSET')
  const { seen } = stage
  const traced = stage.trace.slice(stage.told)
  stage.told = stage.trace.length
  stage.seen = []
  const spooled = stage.world.takeSpooled()
  const isDataSent = refusal === undefined
  return reportTransaction({
    mailfrom,
    isDataSent,
    rcpttos,
    reply,
    given,
    seen,
    traced,
    spooled,
    keyring,
  })
}

function addressIn(line: string): string {
  const [, address = ''] = /:\s*<?([^>\s]*)/.exec(line) ?? []
  return address
}

/** Files of a Unix system have LF, mail has CRLF. One that has both is sent as it is. */
function asSent(message: Buffer): Buffer {
  return message.includes('\r\n') ? message : canonicalLines(message)
}
