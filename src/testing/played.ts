// A session that a test plays: the policy loaded anew, what the client said and heard, and what became of
// each recipient.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { LuaCallError } from '../lua/error.ts'
import { toBytes } from '../mail/bytes.ts'
import { ConfigError } from '../config/error.ts'
import { PolicyError } from '../policy/policy.ts'
import type { SaidReply } from '../rehearsal/client.ts'
import { readConfiguration } from '../rehearsal/configuration.ts'
import { openRehearsal, type Rehearsal, type RehearsedSession } from '../rehearsal/rehearsal.ts'
import type { RecipientResult, TransactionResult } from '../rehearsal/result.ts'
import type { Fakes } from './fakes.ts'
import type { MailArguments, SessionArguments } from './arguments.ts'

/** Where a test plays its sessions. */
export interface Place {
  /** Paths of scripts, configurations and messages begin here. */
  readonly folder: string
  /** Folders in which scripts are found without being configured. */
  readonly searchPath: readonly string[]
  /** Sessions that are still open. */
  readonly played: Set<Played>
  /** What holds for sessions that begin. */
  fakes: Fakes
}

export interface Played {
  readonly place: Place
  readonly arguments: SessionArguments
  readonly rehearsal: Rehearsal
  readonly session: RehearsedSession
  /** What the client heard last. */
  reply: SaidReply
  /** The last one; undefined before the first. */
  transaction: TransactionResult | undefined
}

/** One recipient of a message, or of one that policy sent. */
export interface PlayedRecipient {
  readonly played: Played
  readonly rcptto: string
  readonly reply: SaidReply
  readonly verdict: RecipientResult['verdict']
  readonly copy: RecipientResult['copy']
  /** What is relayed; undefined: nothing is. */
  readonly bytes: Buffer | undefined
}

/** Connects, says EHLO and AUTH as far as it goes, and sends the message if there are recipients. */
export async function play(place: Place, given: SessionArguments): Promise<Played> {
  const rehearsal = await openPolicy(place, given)
  const { peer, listen, user, context } = given
  const session = await rehearsal.connect({
    ...(peer !== undefined && { peer }),
    ...(listen !== undefined && { listen }),
    ...(user !== undefined && { authUser: user }),
    ...(given.tls && { tls: true as const }),
    context,
  })
  const played: Played = {
    place,
    arguments: given,
    rehearsal,
    session,
    reply: session.greeting,
    transaction: undefined,
  }
  place.played.add(played)
  if (isGood(played)) played.reply = await session.say(`EHLO ${given.helo ?? 'client.example'}`)
  if (isGood(played) && user !== undefined) played.reply = await session.authenticate()
  if (isGood(played) && (given.rcptto.length > 0 || given.mailfrom !== undefined))
    await send(played, given)
  return played
}

/** What `mail` lacks is as in the session's own. */
export async function send(played: Played, mail: MailArguments): Promise<void> {
  const { arguments: own, session } = played
  const mailfrom = mail.mailfrom ?? own.mailfrom ?? 'sender@sender.example'
  const rcpttos = mail.rcptto.length > 0 ? mail.rcptto : own.rcptto
  const parameters = mail.parameters ?? own.parameters
  played.transaction = await session.transact({
    mailfrom,
    rcpttos,
    message: messageOf(played, mail, mailfrom, rcpttos),
    context: mail.messageContext,
    ...(parameters !== undefined && { parameters }),
  })
  played.reply = played.transaction.reply
}

/** One command line; its reply. */
export async function say(played: Played, line: string): Promise<SaidReply> {
  played.reply = await played.session.say(line)
  return played.reply
}

export async function end(played: Played): Promise<void> {
  if (!played.place.played.delete(played)) return
  await played.session.close()
  await played.rehearsal.close()
}

/** Raises where it is none of them. */
export function recipientOf(played: Played, rcptto: string): PlayedRecipient {
  const recipients = played.transaction?.recipients ?? []
  const wanted = rcptto.toLowerCase()
  const found = recipients.find(
    ({ rcptto: one, copy }) =>
      one.toLowerCase() === wanted || copy?.rcptto.toLowerCase() === wanted,
  )
  if (!found) {
    const known = recipients.map((one) => one.rcptto).join(', ') || 'none'
    throw new LuaCallError(`rcpt: no recipient ${rcptto}; there are: ${known}`)
  }
  const { reply, verdict, copy } = found
  return { played, rcptto: found.rcptto, reply, verdict, copy, bytes: copy?.bytes }
}

/** What policy sent itself, and notifications to the sender. */
export function sentOf(played: Played): PlayedRecipient[] {
  return (played.transaction?.sent ?? []).map(({ rcptto, bytes }) => ({
    played,
    rcptto,
    reply: played.reply,
    verdict: 'accepted',
    copy: undefined,
    bytes,
  }))
}

/** All lines of a log, or of all of them. */
export function logOf({ rehearsal }: Played, name?: string): readonly string[] {
  const { logs } = rehearsal.world
  if (name === undefined) return Object.values(logs).flat()
  const found = Object.entries(logs).find(([known]) => known === name)
  if (found) return found[1]
  throw new LuaCallError(`log: no log ${name}; there are: ${Object.keys(logs).join(', ')}`)
}

function isGood({ reply, session }: Played): boolean {
  return reply.code < 400 && !session.isClosed
}

async function openPolicy(place: Place, given: SessionArguments): Promise<Rehearsal> {
  const { config, scripts } = given
  if (config === undefined && scripts.length === 0) {
    throw new LuaCallError('session: give a script or a config')
  }
  try {
    const loaded = readConfiguration({
      ...(config !== undefined && { file: resolve(place.folder, config) }),
      scripts: scripts.map((script) => resolve(place.folder, script)),
      searchPath: place.searchPath,
    })
    const { startMs, outside } = place.fakes
    return await openRehearsal({
      outside,
      config: loaded.config,
      ...(startMs !== undefined && { startMs }),
    })
  } catch (error) {
    if (error instanceof ConfigError || error instanceof PolicyError) {
      throw new LuaCallError(`session: ${error.message}`)
    }
    throw error
  }
}

function messageOf(
  { place, arguments: own }: Played,
  mail: MailArguments,
  mailfrom: string,
  rcpttos: readonly string[],
): Buffer {
  const isOwn = mail.message !== undefined || mail.eml !== undefined
  const { message, eml } = isOwn ? mail : own
  if (message !== undefined) return toBytes(message)
  if (eml !== undefined) {
    try {
      return readFileSync(resolve(place.folder, eml))
    } catch (error) {
      throw new LuaCallError(`eml: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return toBytes(`From: <${mailfrom}>\nTo: <${rcpttos.join('>, <')}>\nSubject: test\n\ntest\n`)
}
