/** A finding that stands, for all resources that match, and why. */
export interface Exception {
  /** The tool's name of the check. */
  readonly check: string
  /** The logical ids that it may concern. */
  readonly resources: RegExp
  readonly reason: string
}

const EVERY = /^/

/** Every finding that the templates may have. One that no template has any more must go. */
export const exceptions: readonly Exception[] = [
  {
    check: 'W3005',
    resources: /(Function|IndexDocuments|IndexEvents|SetUp)[0-9A-F]{8}$/,
    reason: "The CDK adds a function's role and its policy to DependsOn together; the policy is not enforced by GetAtt.",
  },
  {
    check: 'W7001',
    resources: /CidrBlocks$/,
    reason: 'The delivery stream construct brings a table of addresses that only VPC destinations use.',
  },
  {
    check: 'CKV_AWS_18',
    resources: /^AccessLogs/,
    reason: 'The bucket of the access logs does not log its own accesses: that would never end.',
  },
  {
    check: 'CKV_AWS_21',
    resources: /Bucket|^AccessLogs/,
    reason: 'Without versions, so that what is erased is gone. Objects are written once and never over.',
  },
  {
    check: 'CKV_AWS_28',
    resources: /Table/,
    reason: 'Only on dev, whose data is for trying; test/infra.test.ts holds that prod has it.',
  },
  {
    check: 'CKV_AWS_119',
    resources: /Table/,
    reason:
      'Encrypted by keys of AWS. A key of one’s own costs each month and each call, and whoever may read the table may use it.',
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
      'Readers of streams keep what they never manage in the quarantine’s bucket; the API’s functions are called synchronously; scheduled ones can be called again.',
  },
  {
    check: 'CKV_AWS_117',
    resources: EVERY,
    reason:
      'All stores are reached by TLS with signed requests of named roles; a VPC adds NAT or endpoints to pay, and an address pool to run out of.',
  },
  {
    check: 'CKV_AWS_115',
    resources: EVERY,
    reason:
      'A reserved share would be taken from the account’s other functions, and new accounts have ten; readers are bound by their shards, the API by its stage limits.',
  },
  {
    check: 'CKV_AWS_173',
    resources: EVERY,
    reason: 'Environments hold names of stores and numbers, no secrets; AWS encrypts them at rest.',
  },
  {
    check: 'CKV_AWS_317',
    resources: /^SearchDomain/,
    reason:
      'Audit logs need fine-grained access control, whose roles CloudFormation cannot map; who may call what is in the domain’s policy.',
  },
  {
    check: 'CKV_AWS_26',
    resources: /^AlarmsTopic/,
    reason:
      'CloudWatch cannot publish to a topic under the key of AWS, only under a key of one’s own; messages name alarms, no data.',
  },
]
