import { Fn, Validations } from 'aws-cdk-lib'
import { EbsDeviceVolumeType } from 'aws-cdk-lib/aws-ec2'
import { PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, ResourcePolicy } from 'aws-cdk-lib/aws-logs'
import { CfnDomain, Domain, EngineVersion, TLSSecurityPolicy } from 'aws-cdk-lib/aws-opensearchservice'
import { Construct } from 'constructs'
import { type AlarmPlan, type Graph, type Monitored, period } from './alarm-topic.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { DomainSettings, Settings } from './settings.ts'

/** OpenSearch blocks writes when less than 20 percent of a disk is free. The alarm comes earlier, so that there is time to react. */
const ALARM_FREE_SHARE = 0.25
const MEBIBYTES_PER_GIBIBYTE = 1024

/** An OpenSearch domain. Only functions that `allow` names can use it, each by its own role. */
export class SearchDomain extends Construct implements Monitored {
  readonly url: string
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]
  private readonly domain: Domain
  private readonly policy = new PolicyDocument()

  constructor(scope: Construct, size: DomainSettings, settings: Settings) {
    super(scope, 'Domain')
    this.domain = this.createDomain(size, settings)
    this.url = Fn.join('', ['https://', this.domain.domainEndpoint])
    this.alarms = this.planAlarms(size.volume)
    this.graphs = this.planGraphs()
    this.acknowledge(size.nodes)
  }

  private createDomain({ nodes, instance, volume }: DomainSettings, settings: Settings): Domain {
    const { group, policy } = this.createSlowLogs(settings)
    const domain = new Domain(this, 'Domain', {
      version: EngineVersion.OPENSEARCH_3_7,
      capacity: { dataNodes: nodes, dataNodeInstanceType: instance, multiAzWithStandbyEnabled: false },
      zoneAwareness: { enabled: nodes > 1 },
      ebs: { volumeSize: volume, volumeType: EbsDeviceVolumeType.GP3 },
      enforceHttps: true,
      tlsSecurityPolicy: TLSSecurityPolicy.TLS_1_2_PFS,
      nodeToNodeEncryption: true,
      encryptionAtRest: { enabled: true },
      logging: {
        slowSearchLogEnabled: true,
        slowSearchLogGroup: group,
        slowIndexLogEnabled: true,
        slowIndexLogGroup: group,
      },
      // Otherwise the construct writes the log policy and the access policy through a custom resource.
      suppressLogsResourcePolicy: true,
      removalPolicy: settings.removal,
    })
    domain.node.addDependency(policy)
    if (domain.node.defaultChild instanceof CfnDomain) domain.node.defaultChild.accessPolicies = this.policy
    return domain
  }

  /** The log group of slow searches and slow indexing, and the policy that lets OpenSearch write to it. */
  private createSlowLogs(settings: Settings): { group: LogGroup; policy: ResourcePolicy } {
    const group = new LogGroup(this, 'SlowLogs', { retention: settings.logRetention, removalPolicy: settings.removal })
    const policy = new ResourcePolicy(this, 'MayLog', {
      policyStatements: [
        new PolicyStatement({
          principals: [new ServicePrincipal('es.amazonaws.com')],
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [group.logGroupArn],
        }),
      ],
    })
    return { group, policy }
  }

  private planAlarms(volume: number): AlarmPlan[] {
    return [
      {
        name: 'search-cluster-red',
        about: 'A primary shard has no node, so some documents can be neither read nor written. Writes wait in the streams.',
        metric: this.domain.metricClusterStatusRed({ period }),
        atLeast: 1,
        periods: 1,
      },
      {
        name: 'search-storage-low',
        about:
          'A node of the search cluster has less than 25 percent of its disk free. Below 20 percent, OpenSearch blocks writes.',
        metric: this.domain.metricFreeStorageSpace({ period }),
        atMost: volume * MEBIBYTES_PER_GIBIBYTE * ALARM_FREE_SHARE,
        periods: 1,
      },
      {
        name: 'search-writes-blocked',
        about: 'The search cluster blocks writes, for lack of disk or memory. Documents wait in the streams.',
        metric: this.domain.metricClusterIndexWritesBlocked({ period }),
        atLeast: 1,
        periods: 1,
      },
    ]
  }

  private planGraphs(): Graph[] {
    return [
      {
        title: 'Search cluster: yellow, red, writes blocked',
        unit: '0: no, 1: yes',
        metrics: [
          this.domain.metricClusterStatusYellow({ period }),
          this.domain.metricClusterStatusRed({ period }),
          this.domain.metricClusterIndexWritesBlocked({ period }),
        ],
      },
      {
        title: 'Search cluster: free disk of the fullest node',
        unit: 'MiB',
        metrics: [this.domain.metricFreeStorageSpace({ period })],
      },
      {
        title: 'Search cluster: CPU and JVM memory of the busiest node',
        unit: 'percent',
        metrics: [this.domain.metricCPUUtilization({ period }), this.domain.metricJVMMemoryPressure({ period })],
      },
    ]
  }

  /** Lets a function send these HTTP verbs to the matching paths, in its own policy and in the domain's. */
  allow(fn: LambdaFunction, actions: readonly string[], path: string): void {
    fn.allow(actions, `${this.domain.domainArn}/${path}`, 'The names of indices depend on the catalogue and on the date.')
    this.policy.addStatements(
      // A domain's policy applies to that domain only, and cannot contain its ARN before it exists.
      new PolicyStatement({ principals: [fn.grantPrincipal], actions: [...actions], resources: ['*'] }),
    )
  }

  private acknowledge(nodes: number): void {
    Validations.of(this.domain).acknowledge(
      {
        id: 'AwsSolutions-OS1',
        reason:
          'Functions outside a VPC reach the domain by TLS, with requests signed by named roles. A VPC adds the cost of NAT or endpoints.',
      },
      { id: 'AwsSolutions-OS3', reason: 'Access is by role and signature. Lambda functions have no fixed addresses.' },
      {
        id: 'AwsSolutions-OS4',
        reason:
          'Documents can be rebuilt from the state table, so the cluster may fail in the cases that dedicated masters protect against.',
      },
    )
    if (nodes === 1)
      Validations.of(this.domain).acknowledge({
        id: 'AwsSolutions-OS7',
        reason: 'This stage has a single node, and therefore one zone.',
      })
  }
}
