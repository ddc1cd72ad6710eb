import { visible } from './visible.ts'

const WIDTH = 24
/** Without a terminal, progress is one line per tenth of the work. */
const TENTHS = 10

/** Shows progress: a bar on a terminal, plain lines elsewhere. */
export function showProgress(label: string, total: number, stream: NodeJS.WriteStream = process.stderr) {
  let tenth = 0
  const share = (done: number): number => (total === 0 ? 1 : Math.min(1, done / total))
  const bar = (done: number, note: string): string => {
    const full = Math.round(share(done) * WIDTH)
    return `${label} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${percent(share(done))} ${note}`
  }
  return {
    at(done: number, note: string): void {
      if (stream.isTTY) return void stream.write(`\r\u001b[2K${visible(bar(done, note)).slice(0, stream.columns - 1)}`)
      const reached = Math.floor(share(done) * TENTHS)
      if (reached > tenth) stream.write(`${visible(`${label} ${percent(share(done))} ${note}`)}\n`)
      tenth = Math.max(tenth, reached)
    },
    /** Prints a line in place of the bar; the next `at` draws the bar again. */
    say(line: string): void {
      stream.write(`${stream.isTTY ? '\r\u001b[2K' : ''}${visible(line)}\n`)
    },
    done(): void {
      if (stream.isTTY) stream.write('\n')
    },
  }
}

const percent = (share: number): string => `${Math.floor(share * 100)} %`.padStart(5)
