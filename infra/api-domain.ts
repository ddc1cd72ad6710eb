import { ApiMapping, DomainName, type HttpStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import { ARecord, HostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53'
import { ApiGatewayv2DomainProperties } from 'aws-cdk-lib/aws-route53-targets'
import { Construct } from 'constructs'
import type { ApiDomain, Settings } from './settings-types.ts'

/** A domain of your own: its name, and the name that its DNS record points to. */
export interface ApiAddress {
  readonly name: string
  readonly target: string
}

/** Gives a stage of the API the domain of the settings, if they have one. Throws an error of one line if nothing would answer. */
export function addDomain(
  scope: Construct,
  stage: HttpStage,
  { domain, defaultAddress }: Settings['api'],
): ApiAddress | undefined {
  if (domain === 'none') {
    if (defaultAddress === 'on') return undefined
    throw new Error('The API has no address: set api.domain in infra/settings.ts, or api.defaultAddress to on.')
  }
  const construct = new Construct(scope, 'Domain')
  const name = new DomainName(construct, 'Name', {
    domainName: domain.name,
    certificate: Certificate.fromCertificateArn(construct, 'Certificate', domain.certificate),
  })
  new ApiMapping(construct, 'Mapping', { api: stage.api, domainName: name, stage })
  if (domain.hostedZone !== 'none') addRecords(construct, name, domain.name, domain.hostedZone)
  return { name: domain.name, target: name.regionalDomainName }
}

type Zone = Exclude<ApiDomain['hostedZone'], 'none'>

function addRecords(scope: Construct, domain: DomainName, recordName: string, { id, name }: Zone): void {
  const zone = HostedZone.fromHostedZoneAttributes(scope, 'Zone', { hostedZoneId: id, zoneName: name })
  const target = RecordTarget.fromAlias(new ApiGatewayv2DomainProperties(domain.regionalDomainName, domain.regionalHostedZoneId))
  new ARecord(scope, 'Record', { zone, recordName: `${recordName}.`, target })
}
