/** Ends a run with one plain line of how many tests passed and failed. */
export default class ClosingLine {
  onRunComplete(_contexts, { numPassedTests, numFailedTests }) {
    console.log(`${numPassedTests} passed, ${numFailedTests} failed`)
  }
}
