#!/usr/bin/env node
// Plain JavaScript, so that a Node version without TypeScript support can print the error below.
import module from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

// A pipeline in CI has no terminal, and some libraries write colours there all the same.
if (!process.stdout.isTTY && process.env['FORCE_COLOR'] === undefined) process.env['NO_COLOR'] = '1'

if (major > 22 || (major === 22 && minor >= 19)) {
  module.enableCompileCache() // halves the time that the AWS clients take to load
  await import('./millrace.ts')
} else {
  console.error(
    `Millrace needs Node 22.19 or later, but this is ${process.versions.node}. Run \`npm ci\`, which installs a suitable Node, then \`npx millrace\`.`,
  )
  process.exitCode = 1
}
