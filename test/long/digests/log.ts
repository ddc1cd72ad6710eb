import { parsed } from './canonical.ts'

/** The lines that the product writes to stdout while `work` runs. */
export async function captureOutput(work: () => Promise<unknown>): Promise<string[]> {
  const original = process.stdout.write
  const texts: string[] = []
  process.stdout.write = ((text: string | Uint8Array) => {
    texts.push(typeof text === 'string' ? text : Buffer.from(text).toString())
    return true
  }) as typeof original
  try {
    await work()
  } finally {
    process.stdout.write = original
  }
  return texts
    .join('')
    .split('\n')
    .filter(line => line !== '')
}

/** The log lines of functions while `work` runs. The text of an error is prose, so it is replaced. */
export async function captureLog(work: () => Promise<unknown>): Promise<unknown[]> {
  return (await captureOutput(work)).map(line => {
    const { error, ...facts } = parsed(line) as Record<string, unknown>
    return error === undefined ? facts : { ...facts, error: 'told' }
  })
}
