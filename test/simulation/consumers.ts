import type { FoldTurns } from '../../lambdas/state/fold-turns.ts'
import { checkedReads } from './checked-reads.ts'
import { DEPLOYMENT_WAIT_MS, limits, memory, RETENTION_MS } from './conditions.ts'
import type { Environment } from './environment.ts'
import type { Failures } from './failures.ts'
import type { Clients, Invocation, Owner } from './invocations.ts'
import { simProjections } from './projections.ts'
import type { Shard } from './stream.ts'
import { userOf } from './table.ts'

/** One function's position in a shard of the table's stream. */
export interface Consumer {
  readonly name: 'windows' | 'documents'
  readonly shard: number
  position: number
  running: Invocation | undefined
}

/** A process of the state function. */
interface Process {
  readonly turns: FoldTurns
  isIdle: boolean
}

/** The event source mappings: they start the product's functions on batches of the event stream and of the table's stream. */
export class Consumers {
  readonly all: readonly Consumer[]
  private readonly environment: Environment
  private readonly failures: Failures
  /** By shard of the event stream: the process of the state function that ran last. */
  private readonly processes = new Map<string, Process>()

  constructor(environment: Environment, failures: Failures) {
    this.environment = environment
    this.failures = failures
    const names = ['windows', 'documents'] as const
    this.all = names.flatMap(name => [0, 1].map(shard => ({ name, shard, position: 0, running: undefined })))
  }

  withWork(): Consumer[] {
    return this.all.filter(({ shard, position, running }) => !running && position < this.imagesIn(shard))
  }

  /** Whether every function has processed every image. */
  havePassed(): boolean {
    return this.all.every(({ shard, position }) => position === this.imagesIn(shard))
  }

  /** Whether the windows function has processed every image. */
  windowsPassed(): boolean {
    return this.all.every(({ name, shard, position }) => name !== 'windows' || position === this.imagesIn(shard))
  }

  private imagesIn(shard: number): number {
    return this.environment.table.streams[shard]?.length ?? 0
  }

  startState(shard: Shard): void {
    const { choices, invocations, log } = this.environment
    const from = shard.position
    const batch = shard.records.slice(from, from + 1 + choices.below(6))
    const end = (done: number) => {
      shard.running = undefined
      const isDone = done === batch.length || this.failures.discards(batch.slice(done))
      shard.position = from + (isDone ? batch.length : done)
    }
    const owner: Owner = {
      ended: result => {
        const [failure] = (result as { batchItemFailures: { itemIdentifier: string }[] }).batchItemFailures
        const failed = batch.findIndex(({ kinesis }) => kinesis.sequenceNumber === failure?.itemIdentifier)
        end(failed < 0 ? batch.length : failed)
      },
      failed: () => end(0),
    }
    const what = `state of ${shard.id} with ${batch.map(({ kinesis }) => kinesis.sequenceNumber)}`
    const users = log
      .filter(({ seq }) => batch.some(({ kinesis }) => kinesis.sequenceNumber === String(seq)))
      .map(({ user }) => user)
    shard.running = invocations.begin(what, this.stateFunction(batch, this.processOf(shard)), owner, this.about(users))
  }

  private about(users: readonly string[]): Pick<Invocation, 'users' | 'isOld'> {
    const { deployment } = this.environment
    const { updates } = deployment
    return { users: [...new Set(users)], isOld: () => deployment.updates > updates }
  }

  private stateTable(dynamodb: Clients['dynamodb']) {
    return checkedReads(this.environment.code.stateTable.stateTable('t', dynamodb), this.environment)
  }

  /** The process that runs the next invocation: that of the last one, if it is idle. One that crashed or hung is never idle. */
  private processOf({ id }: Shard): Process {
    const last = this.processes.get(id)
    const process = last?.isIdle ? last : this.newProcess(`${id}/${this.environment.steps}`)
    process.isIdle = false
    this.processes.set(id, process)
    return process
  }

  private newProcess(name: string): Process {
    return { turns: new this.environment.code.foldTurns.FoldTurns(name), isIdle: false }
  }

  /** The state function as it is deployed now. */
  private stateFunction(batch: Shard['records'], process: Process): (clients: Clients) => Promise<unknown> {
    const { code, conditions, deployment } = this.environment
    const rules = {
      memory,
      latenessMs: limits.latenessMs,
      retentionMs: RETENTION_MS,
    }
    const now = () => this.environment.now
    const rest = { eventTypes: new Map(), retryBudgetMs: conditions.retryBudgetMs, turns: process.turns, now, telemetry }
    return clients => {
      const { dynamodb, pages, quarantine } = clients
      const behaviour = this.environment.behaviour('state', clients)
      const projections = simProjections(code, conditions, deployment.isNew('state'), behaviour)
      const table = this.stateTable(dynamodb)
      const dependencies = { table, pages, quarantine, rules: { ...rules, projections }, ...rest }
      return code.foldBatch.foldBatch(batch, dependencies).finally(() => {
        process.isIdle = true
      })
    }
  }

  start(consumer: Consumer): void {
    const { choices, deployment, invocations, steps, table } = this.environment
    const { name, shard, position: from } = consumer
    const knowsAll = name === 'windows' && deployment.isNew(name)
    const batch = table.streams[shard]?.slice(from, from + 1 + choices.below(5)) ?? []
    const owner: Owner = {
      ended: () => {
        consumer.running = undefined
        consumer.position = from + batch.length
        if (knowsAll) this.environment.windowsKnewAll = Math.max(this.environment.windowsKnewAll, steps)
      },
      failed: () => {
        consumer.running = undefined
      },
    }
    const what = `${name} of table shard ${shard} from ${from}, ${batch.length} images`
    const users = batch.flatMap(({ dynamodb }) => userOf((dynamodb?.NewImage ?? dynamodb?.OldImage)?.['pk']?.S) ?? [])
    consumer.running = invocations.begin(what, this.consumerFunction(name, batch), owner, this.about(users))
  }

  private consumerFunction(
    name: Consumer['name'],
    batch: Environment['table']['streams'][number],
  ): (clients: Clients) => Promise<unknown> {
    const { code, conditions, deployment } = this.environment
    const { slotUsers } = conditions
    const lifetime = { latenessMs: limits.latenessMs, retentionMs: RETENTION_MS }
    const now = () => this.environment.now
    const rest = { deploymentWaitMs: DEPLOYMENT_WAIT_MS, telemetry, now }
    return clients => {
      const { dynamodb, search: client, quarantine } = clients
      const behaviour = this.environment.behaviour(name, clients)
      const projections = simProjections(code, conditions, deployment.isNew(name), behaviour)
      const table = this.stateTable(dynamodb)
      return name === 'windows'
        ? code.mergeBatch.mergeBatch(batch, { table, quarantine, projections, lifetime, slotUsers, ...rest })
        : code.indexBatch.indexBatch(batch, { client, table, quarantine, projections, ...rest })
    }
  }
}

const telemetry = { count: () => {}, annotate: () => {} }
