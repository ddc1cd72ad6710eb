import { fuzz } from '../clients/fuzz/in-process.ts'

const BODIES = 100_000
const MINUTES = 60_000

test(
  `every response is one that the specification allows, and no valid event is lost (${BODIES} random bodies)`,
  async () => {
    const result = await fuzz(BODIES, 2)
    console.log(JSON.stringify(result, null, 2))
    expect(result.peakMegabytes).toBeLessThan(1024)
  },
  20 * MINUTES,
)
