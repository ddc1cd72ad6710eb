import { Fn, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { EbsDeviceVolumeType } from 'aws-cdk-lib/aws-ec2'
import { AccountRootPrincipal, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { type CfnDomain, Domain, EngineVersion, TLSSecurityPolicy } from 'aws-cdk-lib/aws-opensearchservice'
import { Construct } from 'constructs'
import { type AlarmPlan, type Graph, type Monitored, period } from './alarm-topic.ts'
import type { LambdaFunction } from './lambda-function.ts'
import type { DomainSettings } from './settings-types.ts'

export const ENGINE_VERSION = EngineVersion.OPENSEARCH_3_7
const NO_SLOW_LOGS =
  'Slow logs need thresholds in each index, and a slow search contains what a client searches for. Metrics show the load of the cluster.'

/** OpenSearch blocks writes when less than 20 percent of a disk is free. The alarm comes earlier, so that there is time to react. */
const ALARM_FREE_SHARE = 0.25
const MEBIBYTES_PER_GIBIBYTE = 1024

/**
 * In one account, an Allow in the policy of a domain suffices by itself: with the roles as principals, it would make the paths in
 * the roles' own policies meaningless. With the account as principal, those policies decide. A domain's policy applies to that
 * domain only, and cannot contain its ARN before it exists.
 */
const policyOfDomain = new PolicyDocument({
  statements: [
    new PolicyStatement({
      principals: [new AccountRootPrincipal()],
      actions: ['Delete', 'Get', 'Head', 'Post', 'Put'].map(verb => `es:ESHttp${verb}`),
      resources: ['*'],
    }),
  ],
})

/** Each zone has the same number of nodes. */
const zonesFor = (nodes: number): number => (nodes % 3 === 0 ? 3 : 2)

/** An OpenSearch domain. Requests are signed, and the policy of the role that signs decides. */
export class SearchDomain extends Construct implements Monitored {
  readonly url: string
  readonly alarms: readonly AlarmPlan[]
  readonly graphs: readonly Graph[]
  private readonly domain: Domain

  constructor(scope: Construct, size: DomainSettings) {
    super(scope, 'Domain')
    this.domain = this.createDomain(size)
    this.url = Fn.join('', ['https://', this.domain.domainEndpoint])
    this.alarms = this.planAlarms(size.volume)
    this.graphs = this.planGraphs()
    this.acknowledge(size.nodes)
  }

  private createDomain({ nodes, instance, volume }: DomainSettings): Domain {
    const domain = new Domain(this, 'Domain', {
      version: ENGINE_VERSION,
      capacity: { dataNodes: nodes, dataNodeInstanceType: instance, multiAzWithStandbyEnabled: false },
      zoneAwareness: nodes > 1 ? { enabled: true, availabilityZoneCount: zonesFor(nodes) } : { enabled: false },
      ebs: { volumeSize: volume, volumeType: EbsDeviceVolumeType.GP3 },
      enforceHttps: true,
      tlsSecurityPolicy: TLSSecurityPolicy.TLS_1_2_PFS,
      nodeToNodeEncryption: true,
      encryptionAtRest: { enabled: true },
      // The documents are rebuilt from the state table, and an unused domain costs more than all other stores.
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const resource = domain.node.defaultChild as CfnDomain
    // As a property of the construct, it would be written through a custom resource.
    resource.accessPolicies = policyOfDomain
    // Without it, CloudFormation replaces the domain when its version changes.
    resource.cfnOptions.updatePolicy = { enableVersionUpgrade: true }
    return domain
  }

  private planAlarms(volume: number): AlarmPlan[] {
    return [
      {
        name: 'search-cluster-red',
        severity: 'page',
        about: 'A primary shard has no node, so some documents can be neither read nor written. Writes wait in the streams.',
        metric: this.domain.metricClusterStatusRed({ period }),
        atLeast: 1,
        periods: 1,
      },
      {
        name: 'search-storage-low',
        severity: 'ticket',
        about:
          'A node of the search cluster has less than 25 percent of its disk free. Below 20 percent, OpenSearch blocks writes.',
        metric: this.domain.metricFreeStorageSpace({ period }),
        atMost: volume * MEBIBYTES_PER_GIBIBYTE * ALARM_FREE_SHARE,
        periods: 1,
      },
      {
        name: 'search-writes-blocked',
        severity: 'page',
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

  /** Lets a function send these HTTP verbs to the matching paths. */
  allow(fn: LambdaFunction, verbs: readonly string[], paths: readonly string[]): void {
    const actions = verbs.map(verb => `es:ESHttp${verb}`)
    for (const path of paths)
      fn.allow(
        actions,
        `${this.domain.domainArn}/${path}`,
        'The revisions of projections and the days of raw events are in the names of their indices.',
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
      ...['SEARCH_SLOW_LOGS', 'INDEX_SLOW_LOGS'].map(log => ({
        id: `AwsSolutions-OS9[LogExport::${log}]`,
        reason: NO_SLOW_LOGS,
      })),
    )
    if (nodes === 1)
      Validations.of(this.domain).acknowledge({
        id: 'AwsSolutions-OS7',
        reason: 'This stage has a single node, and therefore one zone.',
      })
  }
}
