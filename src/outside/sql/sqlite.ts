// Connections to SQLite: a process each (sqliteprocess.ts). Values come back as SQLite has them: numbers, texts, a
// BLOB as its octets.
import { fork } from 'node:child_process'
import { createRequire } from 'node:module'
import type { SqlAnswer } from '../outside.ts'
import { renderSql } from './placeholders.ts'
import type { Connection } from './pool.ts'
import type { SqliteQuestion } from './sqliteprocess.ts'

const START_MS = 10_000

/** Rejects with what is wrong. */
export async function connectSqlite(path: string): Promise<Connection> {
  // Also where the sources run, which a process of its own cannot: it is the one that was built.
  const program = createRequire(import.meta.url).resolve('#sqliteprocess')
  const child = fork(program, [path], {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  let isUsable = true
  let onAnswer: ((answer: SqlAnswer) => void) | undefined
  const finish = (answer: SqlAnswer): void => {
    const waiting = onAnswer
    onAnswer = undefined
    waiting?.(answer)
  }
  const end = (text: string): void => {
    isUsable = false
    child.kill('SIGKILL')
    finish({ kind: 'failed', text })
  }
  child.on('message', (answer: SqlAnswer) => finish(answer))
  child.on('error', (error) => end(error.message))
  child.on('exit', () => end('the process of the database ended'))

  const ready = await new Promise<SqlAnswer>((resolve) => {
    const timer = setTimeout(() => end('the process of the database does not start'), START_MS)
    onAnswer = (answer) => {
      clearTimeout(timer)
      resolve(answer)
    }
  })
  if (ready.kind !== 'rows') {
    end('')
    throw new Error(ready.text)
  }

  return {
    isUsable: () => isUsable,
    close: () => end('closed'),
    run: (statement, signal) =>
      new Promise((resolve) => {
        const abort = (): void => end('ended')
        onAnswer = (answer) => {
          signal.removeEventListener('abort', abort)
          resolve(answer)
        }
        signal.addEventListener('abort', abort)
        const question: SqliteQuestion = {
          ...renderSql(statement, 'standard', () => '?'),
          maxRows: statement.maxRows ?? Infinity,
        }
        child.send(question, (error) => error && end(error.message))
      }),
  }
}
