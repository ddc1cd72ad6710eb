import { execFileSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import { AssetHashType, DockerImage } from 'aws-cdk-lib'
import { Architecture, type AssetCode, Code } from 'aws-cdk-lib/aws-lambda'
import type { ICommandHooks } from 'aws-cdk-lib/aws-lambda-nodejs'
import { type BuildOptions, buildSync } from 'esbuild'

/** The root folder of the repository. */
export const root = path.join(import.meta.dirname, '..')

/**
 * Credential providers of the SDK that a function never uses, because Lambda puts its credentials into the environment. The SDK
 * imports a provider only when it tries it, so bundles leave these out.
 */
const unusedCredentials = [
  '@aws-sdk/credential-provider-http',
  '@aws-sdk/credential-provider-ini',
  '@aws-sdk/credential-provider-process',
  '@aws-sdk/credential-provider-sso',
  '@aws-sdk/credential-provider-web-identity',
  '@smithy/credential-provider-imds',
]

/** A package for development that colours the debug output of another one, which does without it. */
const colours = 'supports-color'

/** esbuild options of every function. */
export const bundling = {
  target: 'node24',
  mainFields: ['module', 'main'],
  // CommonJS packages inside an ESM bundle still call require.
  banner: "import { createRequire as requireFrom } from 'node:module';const require = requireFrom(import.meta.url);",
  external: [...unusedCredentials, colours],
} as const

/**
 * esbuild options of a bundle with code splitting: lazily imported modules get files of their own, so a cold start reads and compiles
 * only what it needs. On two small cores, compiling 100 kB takes longer than running them.
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

/** The processor of a platform, as npm and Node name it. */
const cpuOf = (architecture: Architecture): string => (architecture === Architecture.ARM_64 ? 'arm64' : 'x64')

/** npm settings that select the target platform. Without them, the bundle would have the native code of the host. */
export const npmPlatform = (architecture: Architecture): Record<string, string> => ({
  npm_config_os: 'linux',
  npm_config_cpu: cpuOf(architecture),
  npm_config_libc: 'glibc',
  npm_config_prefer_offline: 'true',
})

/** A script and its arguments after the first, which is the folder of the bundle. */
export type BundleScript = readonly [script: string, ...rest: string[]]

/** Fails the bundling when npm did not install the native code for the target platform. */
export const checkNativeCode = (architecture: Architecture): BundleScript => [
  'infra/check-native-code.ts',
  `linux-${cpuOf(architecture)}`,
]

/** What a bundle must contain about the licences of its packages. */
const NOTICES = ['LICENSE', 'NOTICE']

/** Adds the notices, then runs scripts after bundling and npm install, so that they can add files to the bundle or check it. */
export const runAfterBundling = (scripts: readonly BundleScript[]): ICommandHooks => ({
  beforeBundling: () => [],
  beforeInstall: () => [],
  afterBundling: (inputDir, outputDir) => [
    ['cp', ...NOTICES.map(file => path.join(inputDir, file)), outputDir].map(argument => `"${argument}"`).join(' '),
    ...scripts.map(([script, ...rest]) =>
      [process.execPath, path.join(inputDir, script), outputDir, ...rest].map(argument => `"${argument}"`).join(' '),
    ),
  ],
})

/**
 * A function's code as a split bundle, to which a script can add files. CDK's own bundling supports only bundles of one file, and
 * starts npm for each.
 */
export function splitCode(entry: string, addFiles?: string): AssetCode {
  const tryBundle = (outdir: string): boolean => {
    buildSync({ ...splitBundle(path.join(root, entry), outdir), sourcemap: true, sourcesContent: false })
    if (addFiles) execFileSync(process.execPath, [path.join(root, addFiles), outdir], { stdio: ['ignore', 'ignore', 'inherit'] })
    for (const file of NOTICES) copyFileSync(path.join(root, file), path.join(outdir, file))
    return true
  }
  // CDK runs no image here. It uses one bundle for all assets whose options are equal, so the options must name the entry.
  const options = { image: DockerImage.fromRegistry('none'), command: [entry], local: { tryBundle } }
  return Code.fromAsset(root, { assetHashType: AssetHashType.OUTPUT, bundling: options })
}
