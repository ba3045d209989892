// Options that the policy of one worker sets, in all of them. Each holds at once where it was set; the primary puts
// what several set in an order, and the last one holds everywhere. Many changes of one option are one.
import type { Member } from '../fleet/member.ts'
import { OPTIONS, type WorkerQuestion } from './request.ts'
import { optionOf } from './standing.ts'

/** A console command: `config set` or `config unset`. */
export type OptionCommand = readonly string[]

export interface SharedOptions {
  /** Policy here has set it. */
  set(command: OptionCommand): void
}

export interface SharedOptionsSettings {
  readonly member: Pick<Member, 'ask' | 'listen'>
  /** Sets it here, and tells nobody. */
  apply(command: OptionCommand): void
  readonly gatherMs: number
}

export function shareOptions({ member, apply, gatherMs }: SharedOptionsSettings): SharedOptions {
  const waiting = new Map<string, OptionCommand>()
  /** How often an option was told that has not got its place in the order yet. */
  const told = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined

  const tell = async (): Promise<void> => {
    timer = undefined
    const all = [...waiting]
    waiting.clear()
    for (const [option] of all) told.set(option, (told.get(option) ?? 0) + 1)
    const question: WorkerQuestion = { kind: 'options', commands: all.map(([, each]) => each) }
    // Without a primary there is nobody to tell.
    await member.ask(question).catch(() => undefined)
    for (const [option, command] of all) {
      const left = (told.get(option) ?? 1) - 1
      if (left > 0) told.set(option, left)
      else told.delete(option)
      // What came from elsewhere meanwhile was before it in the order.
      if (left === 0 && !waiting.has(option)) apply(command)
    }
  }

  member.listen(OPTIONS, (_, data) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- told by a primary of the same version
    for (const command of data as readonly OptionCommand[]) {
      const option = optionOf(command) ?? ''
      if (!waiting.has(option) && !told.has(option)) apply(command)
    }
  })
  return {
    set(command) {
      waiting.set(optionOf(command) ?? '', command)
      timer ??= setTimeout(() => void tell(), gatherMs)
    },
  }
}
