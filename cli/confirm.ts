import { createInterface } from 'node:readline/promises'

/** Asks on standard error, so that the answer can also come from a pipe. The end of the input means no. */
export async function confirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const ended = new Promise<string>(done => terminal.once('close', () => done('')))
  const answer = await Promise.race([terminal.question(`${question} [y/N] `), ended])
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}
