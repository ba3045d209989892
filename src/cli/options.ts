// Options as `--name VALUE`, `--name=VALUE` and `--name`, what is left being words.

export interface GivenOptions {
  readonly words: readonly string[]
  readonly values: ReadonlyMap<string, string>
  readonly flags: ReadonlySet<string>
}

/** `known`: names with their dashes. A text: what is wrong. `-` alone is a word. */
export function readOptions(
  args: readonly string[],
  known: { readonly values: readonly string[]; readonly flags: readonly string[] },
): GivenOptions | string {
  const words: string[] = []
  const values = new Map<string, string>()
  const flags = new Set<string>()
  for (let i = 0; i < args.length; i++) {
    const [name, given] = splitOption(args[i] ?? '')
    if (!name.startsWith('--')) words.push(name)
    else if (known.flags.includes(name) || name === '--help') flags.add(name)
    else if (known.values.includes(name)) {
      const value = given ?? args[++i]
      if (value === undefined) return `${name}: a value is missing`
      values.set(name, value)
    } else return `unknown option ${name}`
  }
  return { words, values, flags }
}

function splitOption(arg: string): [string, string | undefined] {
  const at = arg.startsWith('--') ? arg.indexOf('=') : -1
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)]
}
