import { Stack, Validations } from 'aws-cdk-lib'
import type { Role } from 'aws-cdk-lib/aws-iam'

/** Tells cdk-nag why the policy of a role has a wildcard in this ARN. */
export function acknowledgeWildcard(role: Role, arn: string, reason: string): void {
  Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${nagName(role, arn)}]`, reason })
}

/** An ARN as cdk-nag writes it: references become `<LogicalId.Attribute>`. */
function nagName(role: Role, arn: string): string {
  const resolved: unknown = Stack.of(role).resolve(arn)
  if (typeof resolved === 'string') return resolved
  const { 'Fn::Join': join } = resolved as { 'Fn::Join': [string, (string | Record<string, string[]>)[]] }
  return join[1].map(part => (typeof part === 'string' ? part : `<${Object.values(part).flat().join('.')}>`)).join(join[0])
}
