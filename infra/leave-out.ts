import { CfnResource, type Stack } from 'aws-cdk-lib'

/** Removes the resources of these types from a stack. No other resource may refer to them. */
export function leaveOut(stack: Stack, types: readonly string[]): void {
  for (const construct of stack.node.findAll())
    if (CfnResource.isCfnResource(construct) && types.includes(construct.cfnResourceType))
      construct.node.scope?.node.tryRemoveChild(construct.node.id)
}
