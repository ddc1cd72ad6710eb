import { fuzz } from './fuzz/in-process.ts'

const BODIES = 4_000
/** What ingest has when it is deployed. */
const MEMORY_MEGABYTES = 1024

test('whatever is sent, the answer is one of the specified, and no valid event is lost', async () => {
  const { answers, peakMegabytes } = await fuzz(BODIES, 1)
  expect(Object.keys(answers).map(answer => answer.split(' ')[0])).toEqual(
    expect.arrayContaining(['200', '400', '401', '403', '404', '413', '415', '429', '503']),
  )
  expect(peakMegabytes).toBeLessThan(MEMORY_MEGABYTES)
}, 120_000)
