/** An accepted finding, for all matching resources, with the reason. */
export interface Exception {
  /** Name of the check in its tool. */
  readonly check: string
  /** Matches the logical ids of the resources. */
  readonly resources: RegExp
  readonly reason: string
}

const EVERY = /^/

/** All accepted findings. `check.ts` fails if an exception matches no template any more. */
export const exceptions: readonly Exception[] = [
  {
    check: 'W3005',
    resources: /(Function|IndexDocuments|IndexEvents|SetUp)[0-9A-F]{8}$/,
    reason: "The CDK adds a function's role and its policy to DependsOn together; the policy is not enforced by GetAtt.",
  },
  {
    check: 'W7001',
    resources: /CidrBlocks$/,
    reason: 'The delivery stream construct adds a mapping of IP addresses that only VPC destinations use.',
  },
  {
    check: 'CKV_AWS_18',
    resources: /Bucket|^AccessLogs/,
    reason:
      'Only on dev, where S3 would fill the log again while the stage is deleted; test/infra tests prod. The bucket of the logs does not log its own accesses: each log object would cause the next.',
  },
  {
    check: 'CKV_AWS_21',
    resources: /Bucket|^AccessLogs/,
    reason: 'Without versioning, so that erased data is gone. Objects are written once and never overwritten.',
  },
  {
    check: 'CKV_AWS_28',
    resources: /Table/,
    reason: 'Only on dev, which holds test data. test/infra tests that prod has point-in-time recovery.',
  },
  {
    check: 'CKV_AWS_119',
    resources: /Table/,
    reason:
      'Encrypted with keys of AWS. A customer-managed key costs for each month and call, and every reader of the table may use it anyway.',
  },
  {
    check: 'CKV_AWS_158',
    resources: /Logs|DeliveryErrors/,
    reason: 'Encrypted by AWS; logs carry counts and ids, never payloads or keys.',
  },
  {
    check: 'CKV_AWS_116',
    resources: EVERY,
    reason:
      'Stream readers have the quarantine bucket as failure destination; the functions of the API are called synchronously; scheduled functions can be called again.',
  },
  {
    check: 'CKV_AWS_117',
    resources: EVERY,
    reason:
      'Functions reach all stores by TLS, with requests signed by named roles. A VPC adds the cost of NAT or endpoints, and an address pool that can run out.',
  },
  {
    check: 'CKV_AWS_115',
    resources: EVERY,
    reason:
      'Reserved concurrency is taken from the other functions of the account, and new accounts have ten. Shards limit the readers; the stage limits the API.',
  },
  {
    check: 'CKV_AWS_173',
    resources: EVERY,
    reason: 'Environments contain names of stores and numbers, no secrets. AWS encrypts them at rest.',
  },
  {
    check: 'CKV_AWS_317',
    resources: /^SearchDomain/,
    reason:
      'Audit logs need fine-grained access control, whose roles CloudFormation cannot map. The policies of the roles control access.',
  },
  {
    check: 'CKV_AWS_84',
    resources: /^SearchDomain/,
    reason: 'Slow logs need thresholds in each index, and a slow search contains what a client searches for.',
  },
  {
    check: 'CKV_AWS_26',
    resources: /^AlarmsTopic/,
    reason:
      'CloudWatch cannot publish to a topic that is encrypted with the AWS-managed key, only with a customer-managed key. Messages contain alarm texts, no event data.',
  },
]
