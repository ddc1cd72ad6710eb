import { parsed } from './canonical.ts'

/** What the product writes to stdout while `work` runs, line by line. */
export async function written(work: () => Promise<unknown>): Promise<string[]> {
  const real = process.stdout.write
  const texts: string[] = []
  process.stdout.write = ((text: string | Uint8Array) => {
    texts.push(typeof text === 'string' ? text : Buffer.from(text).toString())
    return true
  }) as typeof real
  try {
    await work()
  } finally {
    process.stdout.write = real
  }
  return texts
    .join('')
    .split('\n')
    .filter(line => line !== '')
}

/** The log lines of functions while `work` runs; what they say of errors is prose. */
export async function logged(work: () => Promise<unknown>): Promise<unknown[]> {
  return (await written(work)).map(line => {
    const { error, ...facts } = parsed(line) as Record<string, unknown>
    return error === undefined ? facts : { ...facts, error: 'told' }
  })
}
