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
  const file = join(cacheFolder(), 'downloads', fileName(artifact))
  const repository = process.env['MAVEN_REPOSITORY_URL']
  if (!existsSync(file) && !repository) await fetchByMaven(artifact, file, progress)
  await download(artifactUrl(artifact, repository), file, artifact.sha256, words => progress(`${artifact.name} ${words}`))
  return file
}

const fileName = ({ name, version, extension }: MavenArtifact): string => `${name}-${version}.${extension}`

/** The artifact in this repository, or in Maven Central if it is empty. */
export const artifactUrl = (artifact: MavenArtifact, repository = ''): string =>
  `${repository || CENTRAL}/${artifact.group.replaceAll('.', '/')}/${artifact.name}/${artifact.version}/${fileName(artifact)}`

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
