import { fuzz } from './fuzz/in-process.ts'

const BODIES = 4_000
/** The memory of the deployed function. */
const MEMORY_MEGABYTES = 1024

test('every request gets a specified response, and no valid event is lost', async () => {
  const { responses, peakMegabytes } = await fuzz(BODIES, 1)
  expect(Object.keys(responses).map(statusAndCode => statusAndCode.split(' ')[0])).toEqual(
    expect.arrayContaining(['200', '400', '401', '403', '404', '413', '415', '429', '503']),
  )
  expect(peakMegabytes).toBeLessThan(MEMORY_MEGABYTES)
}, 120_000)
