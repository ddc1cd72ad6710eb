import { Fn, Validations } from 'aws-cdk-lib'
import { EbsDeviceVolumeType } from 'aws-cdk-lib/aws-ec2'
import { PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { LogGroup, ResourcePolicy } from 'aws-cdk-lib/aws-logs'
import { CfnDomain, Domain, EngineVersion, TLSSecurityPolicy } from 'aws-cdk-lib/aws-opensearchservice'
import { Construct } from 'constructs'
import { type AlarmPlan, type Graph, type Monitored, period } from './alarm-topic.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { DomainSettings, Settings } from './settings.ts'

/** OpenSearch stops taking documents at 20 percent; this leaves time to do something before. */
const SHARE_FREE = 0.25
const MEBIBYTES_A_GIBIBYTE = 1024

/** An OpenSearch domain that only the functions it was told of can use, each by its own role. */
export class SearchDomain extends Construct implements Monitored {
  readonly url: string
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]
  private readonly domain: Domain
  private readonly policy = new PolicyDocument()

  constructor(scope: Construct, { nodes, instance, volume }: DomainSettings, settings: Settings) {
    super(scope, 'Domain')
    const slowLogs = new LogGroup(this, 'SlowLogs', { retention: settings.logRetention, removalPolicy: settings.removal })
    const mayLog = new ResourcePolicy(this, 'MayLog', {
      policyStatements: [
        new PolicyStatement({
          principals: [new ServicePrincipal('es.amazonaws.com')],
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [slowLogs.logGroupArn],
        }),
      ],
    })
    this.domain = new Domain(this, 'Domain', {
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
        slowSearchLogGroup: slowLogs,
        slowIndexLogEnabled: true,
        slowIndexLogGroup: slowLogs,
      },
      // The construct would write both policies through a custom resource.
      suppressLogsResourcePolicy: true,
      removalPolicy: settings.removal,
    })
    this.domain.node.addDependency(mayLog)
    if (this.domain.node.defaultChild instanceof CfnDomain) this.domain.node.defaultChild.accessPolicies = this.policy
    this.url = Fn.join('', ['https://', this.domain.domainEndpoint])
    this.alarms = this.planAlarms(volume)
    this.graphs = this.planGraphs()
    this.acknowledge(nodes)
  }

  private planAlarms(volume: number): AlarmPlan[] {
    return [
      {
        name: 'search-cluster-red',
        about: 'Part of the documents cannot be read or written: a primary shard has no node.',
        metric: this.domain.metricClusterStatusRed({ period }),
        atLeast: 1,
        periods: 1,
      },
      {
        name: 'search-storage-low',
        about: 'A node of the search cluster has little free disk.',
        metric: this.domain.metricFreeStorageSpace({ period }),
        atMost: volume * MEBIBYTES_A_GIBIBYTE * SHARE_FREE,
        periods: 1,
      },
      {
        name: 'search-writes-blocked',
        about: 'The search cluster takes no documents; they wait in the streams.',
        metric: this.domain.metricClusterIndexWritesBlocked({ period }),
        atLeast: 1,
        periods: 1,
      },
    ]
  }

  private planGraphs(): Graph[] {
    return [
      {
        title: 'Is the search cluster well?',
        unit: '0: no, 1: yes',
        metrics: [
          this.domain.metricClusterStatusYellow({ period }),
          this.domain.metricClusterStatusRed({ period }),
          this.domain.metricClusterIndexWritesBlocked({ period }),
        ],
      },
      {
        title: 'How much disk is free on its fullest node?',
        unit: 'MiB',
        metrics: [this.domain.metricFreeStorageSpace({ period })],
      },
      {
        title: 'How busy is its busiest node?',
        unit: 'percent',
        metrics: [this.domain.metricCPUUtilization({ period }), this.domain.metricJVMMemoryPressure({ period })],
      },
    ]
  }

  /** Lets a function send these HTTP verbs to the paths that match; in its own policy and in the domain's. */
  allow(fn: LambdaFunction, actions: readonly string[], path: string): void {
    fn.allow(actions, `${this.domain.domainArn}/${path}`, 'Indices come and go with the catalogue and with time.')
    this.policy.addStatements(
      // A domain's policy speaks of that domain only, and cannot name it before it exists.
      new PolicyStatement({ principals: [fn.grantPrincipal], actions: [...actions], resources: ['*'] }),
    )
  }

  private acknowledge(nodes: number): void {
    Validations.of(this.domain).acknowledge(
      {
        id: 'AwsSolutions-OS1',
        reason:
          'Functions outside a VPC reach it by TLS with signed requests of named roles; a VPC adds NAT or endpoints to pay.',
      },
      { id: 'AwsSolutions-OS3', reason: 'Access is by role and signature; Lambda functions have no fixed addresses.' },
      {
        id: 'AwsSolutions-OS4',
        reason:
          'Documents can be rebuilt from the state table, so the cluster need not survive what dedicated masters guard against.',
      },
    )
    if (nodes === 1)
      Validations.of(this.domain).acknowledge({
        id: 'AwsSolutions-OS7',
        reason: 'A single node, as this stage is set, has one zone.',
      })
  }
}
