import { formatResult, fuzz } from '../clients/fuzz/in-process.ts'

const BODIES = 100_000
const MINUTES = 60_000

test(
  `every response is one that the specification allows, and no valid event is lost (${BODIES} random bodies)`,
  async () => {
    const result = await fuzz(BODIES, 2)
    console.log(formatResult(result))
    expect(Object.keys(result.responses).filter(response => response.startsWith('5'))).toEqual([])
    expect(result.peakMegabytes).toBeLessThan(1024)
  },
  20 * MINUTES,
)
