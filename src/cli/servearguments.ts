// The arguments of `eachrcpt serve`.
import { parseArgs } from 'node:util'
import type { TraceSettings } from '../observing/traces.ts'

export interface ServeArguments {
  /** Undefined: the embedded default. */
  readonly file: string | undefined
  readonly lenient: boolean
  readonly trace: TraceSettings | undefined
}

const USAGE =
  'usage: eachrcpt serve [--config FILE] [--lenient] [--trace FILE [--trace-sample N] [--trace-about WHO]]'

const OPTIONS = {
  config: { type: 'string' },
  lenient: { type: 'boolean' },
  trace: { type: 'string' },
  'trace-sample': { type: 'string' },
  'trace-about': { type: 'string' },
} as const

/** A text: what is wrong. */
export function readServeArguments(args: readonly string[]): ServeArguments | string {
  let values: ReturnType<typeof parse>
  try {
    values = parse(args)
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\. To specify.*/s, '') : ''
    return `serve: ${reason}; ${USAGE}`
  }
  const {
    config: file,
    lenient = false,
    trace,
    'trace-sample': sample,
    'trace-about': about,
  } = values
  if (trace === undefined && (sample !== undefined || about !== undefined)) {
    return `serve: --trace-sample and --trace-about need --trace FILE; ${USAGE}`
  }
  if (sample !== undefined && !/^[1-9]\d{0,8}$/.test(sample)) {
    return `serve: --trace-sample: one session in how many? found "${sample}"; ${USAGE}`
  }
  const settings =
    trace === undefined ? undefined : { file: trace, sample: Number(sample ?? 1), about }
  return { file, lenient, trace: settings }
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options: OPTIONS }).values
}
