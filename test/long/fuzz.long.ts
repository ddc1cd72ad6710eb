import { fuzz } from '../clients/fuzz/in-process.ts'

const BODIES = 100_000
const MINUTES = 60_000

test(
  `whatever is sent, the answer is one of the specified, and no valid event is lost (${BODIES} bodies)`,
  async () => {
    const telemetry = await fuzz(BODIES, 2)
    console.log(JSON.stringify(telemetry, null, 2))
    expect(telemetry.peakMegabytes).toBeLessThan(1024)
  },
  20 * MINUTES,
)
