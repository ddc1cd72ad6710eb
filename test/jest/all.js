import { spawn } from 'node:child_process'

// The tests on the local cloud mostly wait. Therefore all others run beside them. Their output comes first.
const others = start('test:unit')
const onLocalCloud = start('test:local')
others.show()
const codes = [await others.ended]
onLocalCloud.show()
codes.push(await onLocalCloud.ended)
process.exitCode = Math.max(...codes)

/** Starts a script of package.json. Its output is kept until `show` is called. `ended` resolves to its exit code. */
function start(script) {
  const env = process.stdout.isTTY ? { FORCE_COLOR: '1', ...process.env } : process.env
  const child = spawn('npm', ['run', '--silent', script], { stdio: ['inherit', 'pipe', 'pipe'], env })
  const kept = []
  let write = chunk => kept.push(chunk)
  child.stdout.on('data', chunk => write(chunk))
  child.stderr.on('data', chunk => write(chunk))
  return {
    show() {
      write = chunk => process.stdout.write(chunk)
      kept.forEach(write)
    },
    ended: new Promise(resolve => child.on('close', code => resolve(code ?? 1))),
  }
}
