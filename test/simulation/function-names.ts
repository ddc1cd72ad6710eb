export const functionNames = ['state', 'windows', 'documents', 'replay'] as const
export type FunctionName = (typeof functionNames)[number]
