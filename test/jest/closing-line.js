import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const LINES = 8

/** Prints the end of a run: each failed test with the first lines of its reason, and how many tests passed and failed. */
export default class ClosingLine {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, testResults }) {
    for (const { testFilePath, testExecError, testResults: tests } of testResults) {
      const file = relative(process.cwd(), testFilePath)
      if (testExecError) console.log(`FAILED ${file}\n${firstLines(testExecError.message)}`)
      for (const { status, fullName, failureMessages } of tests)
        if (status === 'failed') console.log(`FAILED ${file}: ${fullName}\n${firstLines(failureMessages[0])}`)
    }
    console.log(`${numPassedTests} passed, ${numFailedTests} failed`)
  }
}

const firstLines = (text = '') => stripVTControlCharacters(text).trim().split('\n').slice(0, LINES).join('\n')
