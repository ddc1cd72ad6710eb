import { availableParallelism } from 'node:os'

const project = (displayName, testMatch, more = {}) => ({
  displayName,
  rootDir: '.',
  testMatch,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/.millrace'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2024', experimental: { keepImportAttributes: true } },
        module: { type: 'es6' },
      },
    ],
  },
  ...more,
})

const patient = { setupFilesAfterEnv: ['<rootDir>/test/jest/patience.ts'] }
const onLocalCloud = {
  ...patient,
  globalSetup: '<rootDir>/test/jest/local-cloud.ts',
  globalTeardown: '<rootDir>/test/jest/local-cloud-down.ts',
}

/**
 * unit: pure and fast, downloads nothing. component: one part with the real processes that it needs, which the test starts and
 * stops. local: on the running local cloud. long: big runs, not part of `npm test`.
 */
export default {
  // One worker for each processor, and as many concurrent tests in a file: most of those are processes of their own.
  maxWorkers: '100%',
  maxConcurrency: availableParallelism(),
  // Some tests start processes, and share the processors with the other worker.
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/test/jest/closing-line.js'],
  projects: [
    project('unit', ['<rootDir>/test/**/*.test.ts']),
    project('component', ['<rootDir>/test/**/*.scenario.ts', '!**/test/scenarios/*'], patient),
    project('local', ['<rootDir>/test/scenarios/*.scenario.ts'], onLocalCloud),
    project('long', ['<rootDir>/test/**/*.long.ts'], onLocalCloud),
  ],
}
