// What the console, or policy, has set while the server runs, for a worker that takes the place of another: the commands that
// still hold, in their order. The primary keeps them; Momentum's console has one process to tell.

export interface Standing {
  /** Of a command that was taken. Others than these mean nothing here. */
  note(argv: readonly string[]): void
  /** Options go by the file again; traces stay as they were chosen. */
  reloaded(): void
  commands(): readonly (readonly string[])[]
}

const TRACE = 'trace'

export function makeStanding(): Standing {
  let tracers = 0
  const commands = new Map<string, readonly string[]>()
  const keep = (name: string, argv: readonly string[]): void => {
    commands.delete(name)
    commands.set(name, argv)
  }
  return {
    note(argv) {
      const [word, verb] = argv
      if (word === 'trace' && (verb === 'on' || verb === 'off')) keep(TRACE, argv)
      // One that is gone has had a number, too.
      if (word === 'trace' && verb === 'smtp' && argv[2] !== 'list')
        keep(`${TRACE} ${tracers++}`, argv)
      const option = optionOf(argv)
      if (option !== undefined) keep(option, argv)
    },
    reloaded() {
      for (const name of commands.keys()) if (!name.startsWith(TRACE)) commands.delete(name)
    },
    commands: () => [...commands.values()],
  }
}

/** What `config set` and `config unset` are about, whatever the value; undefined for others. */
export function optionOf([word, verb, ...words]: readonly string[]): string | undefined {
  if (word !== 'config' || (verb !== 'set' && verb !== 'unset')) return undefined
  const path = verb === 'set' ? words.slice(0, -1) : words
  return `config ${path.join(' ').toLowerCase()}`
}
