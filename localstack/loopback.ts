const LOOPBACK = ['127.0.0.1', 'localhost', '::1']

/**
 * Adds the usual loopback addresses, and `host`, to NO_PROXY if the environment sets a proxy. Node reads it at each request, and the
 * programs that this process starts inherit it.
 */
export function excludeLoopbackFromProxy(environment: Record<string, string | undefined>, host = 'localhost'): void {
  if (!Object.entries(environment).some(([name, value]) => value && /^(https?|all)_proxy$/i.test(name))) return
  const listed = (environment['no_proxy'] ?? environment['NO_PROXY'] ?? '').split(/[\s,]+/).filter(Boolean)
  if (listed.includes('*')) return
  const hosts = [...new Set([...listed, ...LOOPBACK, host.replace(/^\[|\]$/g, '')])].join(',')
  for (const name of ['no_proxy', 'NO_PROXY']) environment[name] = hosts
}
