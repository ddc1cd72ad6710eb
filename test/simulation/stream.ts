import type { KinesisStreamRecord } from 'aws-lambda'
import type { Choices } from './choices.ts'
import type { Invocation } from './invocations.ts'

export interface Shard {
  readonly id: string
  readonly low: number
  readonly high: number
  readonly parents: readonly Shard[]
  readonly records: KinesisStreamRecord[]
  /** How many records its mapping has processed. */
  position: number
  open: boolean
  running: Invocation | undefined
}

const shard = (at: number, [low, high]: readonly [number, number], parents: readonly Shard[]): Shard => ({
  id: `shard-${at}`,
  low,
  high,
  parents,
  records: [],
  position: 0,
  open: true,
  running: undefined,
})

/** Kinesis in memory. Shards over the positions 0..99 split and merge. Sequence numbers grow with gaps and get longer on the way. */
export class Stream {
  readonly shards: Shard[]
  private readonly choices: Choices
  private seq: bigint

  constructor(choices: Choices) {
    this.choices = choices
    this.seq = BigInt(choices.pick([5, 90, 95, 990]))
    const ranges = choices.pick<[number, number][]>([
      [[0, 100]],
      [
        [0, 50],
        [50, 100],
      ],
    ])
    this.shards = ranges.map((range, at) => shard(at, range, []))
  }

  /** Stores a record of the user at this position and returns its sequence number. */
  put(position: number, lines: readonly string[], now: number): bigint {
    const target = this.shards.find(({ open, low, high }) => open && low <= position && position < high)
    this.seq += BigInt(1 + this.choices.below(3))
    const kinesis = {
      sequenceNumber: String(this.seq),
      data: Buffer.from(lines.join('\n')).toString('base64'),
      approximateArrivalTimestamp: now / 1000,
    }
    target?.records.push({ eventID: `${target.id}:${this.seq}`, kinesis } as KinesisStreamRecord)
    return this.seq
  }

  reshard(): void {
    const open = this.shards.filter(each => each.open).sort((a, b) => a.low - b.low)
    const [first, second] = open as [Shard, Shard | undefined]
    if (second && (open.length > 2 || this.choices.chance(0.5))) this.replace([first, second], [[first.low, second.high]])
    else this.split(this.choices.pick(open))
  }

  private split(whole: Shard): void {
    const middle = Math.floor((whole.low + whole.high) / 2)
    const halves = [
      [whole.low, middle],
      [middle, whole.high],
    ] as const
    this.replace([whole], halves)
  }

  private replace(parents: Shard[], ranges: readonly (readonly [number, number])[]): void {
    for (const parent of parents) parent.open = false
    for (const range of ranges) this.shards.push(shard(this.shards.length, range, parents))
  }

  /** Shards that a mapping may read now: not running, and every ancestor processed to its end. */
  ready(): Shard[] {
    return this.shards.filter(
      ({ running, position, records, parents }) => !running && position < records.length && parents.every(isDrained),
    )
  }

  isRead(): boolean {
    return this.shards.every(({ position, records }) => position === records.length)
  }

  /** Age of the oldest unprocessed record, in milliseconds. */
  lag(now: number): number {
    const waiting = this.shards.flatMap(({ records, position }) => records.slice(position))
    return Math.max(0, ...waiting.map(({ kinesis }) => now - kinesis.approximateArrivalTimestamp * 1000))
  }
}

const isDrained = ({ open, position, records, parents }: Shard): boolean =>
  !open && position === records.length && parents.every(isDrained)
