// What policy says of how one message is brought to its next hop: the relay asks before it takes or opens a
// connection for it, and only then. Where policy is to be asked, every copy travels alone.
import type { OutboundOptions } from '../config/config.ts'
import type { ContextChanges } from '../mail/context.ts'
import type { Entry } from '../spool/entry.ts'
import { type Outcome, outcome, STAGES } from './outcome.ts'
import type { Profile } from './profile.ts'

export interface Steering {
  /** Whether policy has anything to say. */
  wants(): boolean
  /** The profile with what policy changes of it. Rejects when policy failed to say. */
  steer(mail: SteeredMail, profile: Profile): Promise<Profile>
}

export interface SteeredMail {
  readonly entry: Entry
  readonly copyIndex: number
  /** Variables that policy has changed since it was stored. */
  readonly changed: ContextChanges | undefined
  /** As it is about to be sent. */
  readonly bytes: Buffer
  readonly outbound: OutboundOptions
}

/** Without its word the message might go by a way that policy forbids. */
const NO_WORD = outcome(
  STAGES.notConnected,
  '451 4.3.0 [internal] policy failed to say how to deliver this',
)

export async function steered(
  steering: Steering | undefined,
  mail: SteeredMail,
  profile: Profile,
  onError: (error: unknown) => void,
): Promise<Profile | Outcome> {
  if (!steering?.wants()) return profile
  try {
    return await steering.steer(mail, profile)
  } catch (error) {
    onError(error)
    return NO_WORD
  }
}
