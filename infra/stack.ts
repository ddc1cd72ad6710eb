import { CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { stackName } from '../shared/outputs.ts'
import { Millrace, type MillraceProps } from './millrace.ts'

/** The stack of a stage. */
export class MillraceStack extends Stack {
  constructor(scope: Construct, props: MillraceProps) {
    super(scope, stackName(props.stage), { terminationProtection: props.settings.removal !== RemovalPolicy.DESTROY })
    // The CDK leaves `Default` out of logical ids. Any other id would replace every store.
    const { outputs } = new Millrace(this, 'Default', props)
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value })
  }
}
