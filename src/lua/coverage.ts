// Which lines and branches of Lua files have run, read from counts that the engine keeps in compiled code.
// A branch is a place where code goes one of two ways: the conditions of if, elseif, while and until, and
// the operands of `and` and `or`. That a comparison gives a value (`x = a == b`) is none, nor is the end
// of a for loop. Counts are the process's: of all states, from `countRuns(true)` on.
import { compiledFiles, functionsIn } from './chunk.ts'
import { host, type Instruction, type Proto } from './engine.ts'

export interface FileCoverage {
  readonly path: string
  /** How often each line that has code ran, by its number; in order. */
  readonly lines: ReadonlyMap<number, number>
  readonly branches: readonly BranchCoverage[]
  readonly functions: readonly FunctionCoverage[]
}

export interface BranchCoverage {
  readonly line: number
  /** How often it went on, and how often it jumped. */
  readonly ways: readonly [number, number]
}

export interface FunctionCoverage {
  readonly line: number
  readonly entries: number
}

/** Code that is entered from now on is counted, or no longer. */
export function countRuns(isOn: boolean): void {
  host.countInstructions(isOn)
}

/** Of all files that are compiled, by path. */
export function coverageOfFiles(): FileCoverage[] {
  return compiledFiles()
    .filter(({ path }) => path !== undefined)
    .map(({ path = '', code }) => fileCoverage(path, code))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Everything counts from zero again. */
export function forgetRuns(): void {
  for (const { code } of compiledFiles()) {
    for (const proto of functionsIn(code)) {
      delete proto.entries
      for (const instruction of proto.code) delete instruction.hits
    }
  }
}

function fileCoverage(path: string, code: Proto): FileCoverage {
  const functions = functionsIn(code)
  const lines = new Map<number, number>()
  for (const proto of functions) countLines(proto, lines)
  return {
    path,
    lines: new Map([...lines].sort(([a], [b]) => a - b)),
    branches: functions.flatMap(branchesIn).sort((a, b) => a.line - b.line),
    functions: functions
      .filter(({ linedefined }) => linedefined > 0)
      .map(({ linedefined, entries = 0 }) => ({ line: linedefined, entries })),
  }
}

function countLines(proto: Proto, lines: Map<number, number>): void {
  const { code } = proto
  // The last instruction is the return that the compiler adds at `end`.
  for (let at = 0; at < code.length - 1; at++) {
    const instruction = code[at]
    const line = lineOf(proto, at)
    if (instruction) lines.set(line, Math.max(lines.get(line) ?? 0, hitsOf(instruction)))
  }
}

/** A function is made where it begins, though its code ends with it. */
function lineOf({ code, lineinfo, p }: Proto, at: number): number {
  const instruction = code[at]
  const made = instruction?.opcode === OP_CLOSURE ? p[instruction.Bx] : undefined
  return made?.linedefined ?? lineinfo[at] ?? 0
}

function branchesIn(proto: Proto): BranchCoverage[] {
  const { code } = proto
  return code.flatMap((test, at) => {
    const jump = code[at + 1]
    if (!TESTS.has(test.opcode) || !jump || givesValue(code, at)) return []
    const jumped = hitsOf(jump)
    return [{ line: lineOf(proto, at), ways: [hitsOf(test) - jumped, jumped] as const }]
  })
}

/** Whether true and false are loaded behind the test. */
function givesValue(code: readonly Instruction[], at: number): boolean {
  const [jump, yes] = [code[at + 1], code[at + 2]]
  return jump?.sBx === 1 && yes?.opcode === OP_LOADBOOL && yes.C === 1
}

function hitsOf({ hits = 0 }: Instruction): number {
  return hits
}

// Numbers of instructions, which a test holds to the engine's.
const OP_LOADBOOL = 3
const OP_CLOSURE = 44
/** EQ, LT, LE, TEST, TESTSET: a jump follows, which is taken or left out. */
const TESTS: ReadonlySet<number> = new Set([31, 32, 33, 34, 35])
