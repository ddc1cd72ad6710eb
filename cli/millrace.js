#!/usr/bin/env node
// Plain JavaScript, so that a Node too old for the rest can still say so.
import module from 'node:module'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major > 22 || (major === 22 && minor >= 18)) {
  module.enableCompileCache() // halves the time that the AWS clients take to load
  await import('./millrace.ts')
} else {
  console.error(
    `Millrace needs Node 22.18 or later, this is ${process.versions.node}; run it as \`npx millrace\` after \`npm ci\`, which brings a Node of its own.`,
  )
  process.exitCode = 1
}
