import { availableParallelism } from 'node:os'

const project = (displayName, suffix, more = {}) => ({
  displayName,
  rootDir: '.',
  testMatch: [`<rootDir>/test/**/*.${suffix}.ts`],
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

const onLocalCloud = {
  globalSetup: '<rootDir>/test/jest/local-cloud.ts',
  globalTeardown: '<rootDir>/test/jest/local-cloud-down.ts',
  setupFilesAfterEnv: ['<rootDir>/test/jest/local-cloud-timeout.ts'],
}

/** unit: pure and fast, downloads nothing. local: on the running local cloud. long: big runs, not part of `npm test`. */
export default {
  // One worker for each processor, and as many concurrent tests in a file: most of those are processes of their own.
  maxWorkers: '100%',
  maxConcurrency: availableParallelism(),
  // Some tests start processes, and share the processors with the other worker.
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/test/jest/closing-line.js'],
  projects: [project('unit', 'test'), project('local', 'scenario', onLocalCloud), project('long', 'long', onLocalCloud)],
}
