import type { BuildOptions } from 'esbuild'

/** Links of the SDK's chain of credentials that a function never comes to, since its own are in its environment: imported only when their turn comes. */
const unusedCredentials = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
]

/** How every function is bundled, in the words of esbuild. */
export const bundling = {
  target: 'node24',
  mainFields: ['module', 'main'],
  // CommonJS packages inside an ESM bundle still call require.
  banner: "import { createRequire as requireFrom } from 'node:module';const require = requireFrom(import.meta.url);",
  external: unusedCredentials,
  loader: { '.sql': 'text' },
} as const

/**
 * A bundle that keeps what is imported lazily in files of its own: a cold start reads and compiles only what it needs, and on
 * two small cores it takes longer to compile 100 kB than to run them.
 */
export const splitBundle = (entry: string, outdir: string) =>
  ({
    ...bundling,
    entryPoints: { index: entry },
    outdir,
    outExtension: { '.js': '.mjs' },
    banner: { js: bundling.banner },
    mainFields: [...bundling.mainFields],
    external: [...bundling.external],
    bundle: true,
    splitting: true,
    minify: true,
    platform: 'node',
    format: 'esm',
  }) satisfies BuildOptions
