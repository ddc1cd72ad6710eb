/** Prints one line at the end of a run: how many tests passed and failed. */
export default class ClosingLine {
  onRunComplete(_contexts, { numPassedTests, numFailedTests }) {
    console.log(`${numPassedTests} passed, ${numFailedTests} failed`)
  }
}
