// A reload: a new configuration and policy beside the old ones, then all at once in their place. What is
// wrong with it is found before anything changes.
import type { Config } from './config/config.ts'
import type { Loaded } from './config/load.ts'
import { makeTurns } from './events/turns.ts'
import { type Generation, type GenerationSurroundings, openGeneration } from './generation.ts'
import type { Prepared } from './listeners.ts'

export interface ReloadOptions {
  load(): Loaded
  warn(text: string): void
  readonly surroundings: GenerationSurroundings
  current(): Generation
  /** Listens where a configuration says, once it is adopted. */
  listen(config: Config): Promise<Prepared>
  /** Takes the place of the current one. */
  adopt(next: Next): void
}

export interface Next {
  readonly generation: Generation
  readonly listening: Prepared
}

/** Ready, and nothing has changed yet. */
export interface PreparedReload {
  adopt(): void
  drop(): Promise<void>
}

export interface Reloads {
  /** A new configuration and policy for new sessions; a broken one changes nothing, says why, and is false. */
  reload(): Promise<boolean>
  /** The two steps of it, for workers that go together; rejects with what is wrong. */
  prepareReload(): Promise<PreparedReload>
  refuseReload(reason: string): void
}

export function makeReloads(options: ReloadOptions): Reloads {
  const inTurn = makeTurns()
  const reload = async (): Promise<boolean> => {
    try {
      const next = await prepareReload(options)
      next.adopt()
      return true
    } catch (error) {
      refuseReload(options, error instanceof Error ? error.message : String(error))
      return false
    }
  }
  return {
    // One after the other: the last signal wins.
    reload: () => inTurn(reload),
    prepareReload: () => prepareReload(options),
    refuseReload: (reason) => refuseReload(options, reason),
  }
}

async function prepareReload(options: ReloadOptions): Promise<PreparedReload> {
  const { load, warn, surroundings, current, listen, adopt } = options
  const { config, warnings } = load()
  warnings.forEach(warn)
  const { spoolbase, workers } = current().config
  if (config.spoolbase !== spoolbase) throw new Error('another spoolbase needs a restart')
  if (config.workers !== workers) throw new Error('another number of workers needs a restart')
  const generation = await openGeneration(config, surroundings)
  let listening: Prepared
  try {
    listening = await listen(generation.config)
  } catch (error) {
    await generation.replace()
    throw error
  }
  return {
    adopt() {
      adopt({ generation, listening })
      surroundings.instruments.policy.reloaded(generation.policy)
    },
    async drop() {
      await listening.drop()
      await generation.replace()
    },
  }
}

/** Says why a reload changes nothing. */
function refuseReload({ warn, current, surroundings }: ReloadOptions, reason: string): void {
  surroundings.instruments.policy.reloaded(undefined)
  const text = `reload failed, the running configuration stays: ${reason}`
  warn(text)
  current().journal.panic('config', text)
}

/** Generations that end with their sessions: with one more, the oldest's sessions are asked to end. */
const MOST_REPLACED = 2

export function makeRetirement(onError: (error: unknown) => void) {
  const replaced = new Set<Generation>()
  return (old: Generation): void => {
    replaced.add(old)
    void old
      .replace()
      .catch(onError)
      .finally(() => replaced.delete(old))
    const [oldest] = replaced
    if (replaced.size > MOST_REPLACED) oldest?.retire()
  }
}
