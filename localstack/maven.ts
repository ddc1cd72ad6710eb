import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { cacheFolder, download, type Progress, requireHash, run } from './cache.ts'

const CENTRAL = 'https://repo.maven.apache.org/maven2'

export interface MavenArtifact {
  readonly group: string
  readonly name: string
  readonly version: string
  /** `zip` or `tar.gz`. */
  readonly extension: string
  readonly sha256: string
  /** About its size, for people who wait. */
  readonly megabytes: number
}

/**
 * Fetches an artifact to the folder of downloads and returns its path. Downloads with Maven if it is installed, because its
 * settings.xml has the user's mirrors and proxies; otherwise with HTTPS. Throws a UserError if that fails.
 */
export async function fetchArtifact(artifact: MavenArtifact, progress: Progress): Promise<string> {
  const { group, name, version, extension, sha256 } = artifact
  const file = join(cacheFolder(), 'downloads', `${name}-${version}.${extension}`)
  const repository = process.env['MAVEN_REPOSITORY_URL'] || undefined
  if (!existsSync(file) && !repository) await fetchByMaven(artifact, file, progress)
  const url = `${repository ?? CENTRAL}/${group.replaceAll('.', '/')}/${name}/${version}/${basename(file)}`
  await download(url, file, sha256, words => progress(`${name} ${words}`))
  return file
}

/** Leaves no file if Maven is not installed or fails. */
async function fetchByMaven(artifact: MavenArtifact, file: string, progress: Progress): Promise<void> {
  const { group, name, version, extension, sha256, megabytes } = artifact
  progress(`${name}, ${megabytes} MB, by Maven`)
  const copy = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
  const args = ['-B', copy, `-Dartifact=${group}:${name}:${version}:${extension}`, `-DoutputDirectory=${dirname(file)}`]
  const { code } = await run('mvn', args, {
    line: line => /Download|Progress/.test(line) && progress(line.replace(/^\[INFO\] /, '')),
  })
  if (code === 0 && existsSync(file)) await requireHash(file, sha256, `${basename(file)} from Maven`)
}
