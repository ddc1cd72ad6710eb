import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { settingsProblem } from '../aws-settings.ts'
import type { Finding } from '../findings.ts'

/** Errors of AWS for credentials that it does not accept, also in a region that the account has not enabled. */
const INVALID = ['InvalidClientTokenId', 'UnrecognizedClientException', 'SignatureDoesNotMatch', 'AuthFailure']
const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'RequestExpired']
/** Every account has this region. */
const ALWAYS_ENABLED = 'us-east-1'

/** The region of the user's AWS settings, or the finding that says how to set it. */
export async function readRegion(environment: NodeJS.ProcessEnv): Promise<string | Finding> {
  try {
    return await new STSClient({}).config.region()
  } catch (error) {
    return {
      level: 'error',
      code: 'region',
      message: settingsProblem(error as Error, environment) ?? String(error),
      remedy: 'export AWS_REGION=eu-west-1, or another region',
    }
  }
}

/** The finding about an error of the first call to AWS. */
export async function accessFinding(
  error: Error,
  region: string,
  environment: NodeJS.ProcessEnv,
  elsewhere = new STSClient({ region: ALWAYS_ENABLED }),
): Promise<Finding> {
  const problem = settingsProblem(error, environment)
  const finding = (code: string, message: string, remedy: string): Finding => ({ level: 'error', code, message, remedy })
  if (problem) return finding('credentials', problem, 'aws configure sso, or aws configure; then export AWS_PROFILE=NAME')
  if (EXPIRED.includes(error.name)) return finding('credentials_expired', 'The AWS credentials have expired.', 'aws sso login')
  if (!INVALID.includes(error.name))
    return finding(
      'aws_unreachable',
      `AWS does not answer in ${region}: ${error.name}: ${error.message}`,
      `aws sts get-caller-identity --region ${region}`,
    )
  const isValid = await elsewhere.send(new GetCallerIdentityCommand({})).then(
    () => true,
    () => false,
  )
  return isValid
    ? finding('region_not_enabled', `The account has not enabled ${region}.`, `aws account enable-region --region-name ${region}`)
    : finding('credentials_invalid', `AWS does not accept the credentials: ${error.name}.`, 'aws configure list')
}
