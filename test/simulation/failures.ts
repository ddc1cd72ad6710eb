import { memory, RETENTION_MS } from './conditions.ts'
import type { Environment } from './environment.ts'
import type { Clients, Owner } from './invocations.ts'
import type { Shard } from './stream.ts'

/** A batch in the on-failure bucket. */
interface DiscardedObject {
  readonly text: string
  readonly users: readonly string[]
  /** The step in which its mapping gave it up. */
  readonly step: number
}

/** Batches that their mapping gave up, and the product's function that judges them. */
export class Failures {
  private readonly environment: Environment
  private readonly objects = new Set<DiscardedObject>()
  private readonly running = new Set<DiscardedObject>()

  constructor(environment: Environment) {
    this.environment = environment
  }

  /** Whether the mapping gives up what is left of a batch that failed. An erasure is retried for ever. */
  discards(records: Shard['records']): boolean {
    const { choices, conditions, log, meetings, steps } = this.environment
    const entries = log.filter(({ seq }) => records.some(({ kinesis }) => kinesis.sequenceNumber === String(seq)))
    if (conditions.givesUp === 0 || entries.some(({ erasure }) => erasure) || !choices.chance(conditions.givesUp)) return false
    for (const entry of entries) entry.givenUp = true
    const users = [...new Set(entries.map(({ user }) => user))]
    this.objects.add({ text: discardedText(records, this.environment.now), users, step: steps })
    meetings.touch(users, 'batch given up')
    this.environment.addTrace(`the batch ${entries.map(({ seq }) => seq)} is given up`)
    return true
  }

  /** Whether all objects are judged. The product judges them every few minutes, long before anything about them expires. */
  isDone(): boolean {
    return this.objects.size === 0
  }

  /** Objects that may be judged: no invocation that had one of the records is left. Lambda ends a function before it gives up. */
  private waiting(): DiscardedObject[] {
    const { invocations } = this.environment
    const isOver = ({ step }: DiscardedObject): boolean => invocations.live.every(({ began, isLate }) => began > step && !isLate)
    return [...this.objects].filter(object => !this.running.has(object) && isOver(object))
  }

  isWaiting(): boolean {
    return this.objects.size > this.running.size && this.waiting().length > 0
  }

  /** Begins to judge an object. */
  collect(): void {
    const { choices, deployment, invocations } = this.environment
    const object = choices.pick(this.waiting())
    const free = () => void this.running.delete(object)
    const owner: Owner = { ended: free, failed: free }
    const { updates } = deployment
    const about = { users: object.users, isOld: () => deployment.updates > updates }
    this.running.add(object)
    this.environment.meetings.touch(object.users, 'on-failure path')
    invocations.begin(`collect-failures of ${object.users}`, this.collectFunction(object), owner, about)
  }

  private collectFunction(object: DiscardedObject): (clients: Clients) => Promise<unknown> {
    const { code } = this.environment
    const rules = { eventTypes: new Map(), memory }
    const now = () => this.environment.now
    return async ({ dynamodb, pages, quarantine, call }) => {
      const context = { eventTypes: new Map(), rawEventsFunction: 'raw-events', documentsFunction: 'documents', isOn: () => true }
      const { unfinished } = code.planFailures.fromDiscarded(object.text, context)
      const table = code.stateTable.stateTable('t', dynamodb)
      const { events, mark } = await code.judgeBatch.judgeBatch(unfinished, {
        table,
        pages,
        quarantine,
        rules,
        retentionMs: RETENTION_MS,
        now,
      })
      await quarantine.add(events)
      await mark()
      await call('delete the object', () => void this.objects.delete(object))
    }
  }
}

/** What Lambda writes about a batch of the state function. */
const discardedText = (Records: Shard['records'], now: number): string =>
  JSON.stringify({
    requestContext: { functionArn: 'arn:aws:lambda:eu-central-1:1:function:state' },
    timestamp: new Date(now).toISOString(),
    KinesisBatchInfo: {},
    payload: { Records },
  })
