// What policy counts, shared with the other workers. One that starts asks one of them for all there is: what was
// said before the mark, and by that one until it answers, is in its answer; the rest is heard beside it.
import type { Member } from '../fleet/member.ts'
import { type Contents, STATE, STATE_MARK, type WorkerQuestion } from './request.ts'
import type { Change } from '../msys/shared/state.ts'
import type { Outbox } from '../sharing/outbox.ts'
import type { Sharing } from '../sharing/sharing.ts'

/** Resolves to how to go on, when what the others have is here, too. */
export async function shareWithWorkers(
  member: Member,
  sharing: Sharing,
  gatherMs: number,
): Promise<{ readonly outbox: Outbox<Change>; readonly position: string | undefined }> {
  const tell = (changes: readonly Change[]): void => member.say(STATE, changes)
  const outbox = sharing.tellBy('node', { gatherMs, tell })
  const release = outbox.hold()
  let heard: { slot: number; changes: readonly Change[]; isMarked: boolean }[] | undefined = []
  let isMarked = false
  member.listen(STATE_MARK, () => (isMarked = true))
  member.listen(STATE, (slot, data) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- said by a worker of the same version
    const changes = data as readonly Change[]
    if (heard) heard.push({ slot, changes, isMarked })
    else sharing.take(changes)
  })
  const answer = await member
    .ask({ kind: 'contents' } satisfies WorkerQuestion)
    .catch(() => undefined)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- said by a worker of the same version
  const contents = answer as Contents | undefined
  if (contents) sharing.replaceBy(contents.changes)
  for (const { slot, changes, isMarked: isLate } of heard) {
    if (!contents || (isLate && slot !== contents.slot)) sharing.take(changes)
  }
  heard = undefined
  release()
  return { outbox, position: contents?.position }
}
