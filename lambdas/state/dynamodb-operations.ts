import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  type BatchGetItemCommandOutput,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  type GetItemCommandOutput,
  PutItemCommand,
  type PutItemCommandInput,
  paginateQuery,
  type QueryCommandInput,
  type QueryCommandOutput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb'

/** The DynamoDB operations that the state table uses. The simulation implements them in memory. */
export interface DynamoDbOperations {
  getItem(input: GetItemCommandInput): Promise<Pick<GetItemCommandOutput, 'Item'>>
  batchGetItem(input: BatchGetItemCommandInput): Promise<Pick<BatchGetItemCommandOutput, 'Responses' | 'UnprocessedKeys'>>
  putItem(input: PutItemCommandInput): Promise<unknown>
  deleteItem(input: DeleteItemCommandInput): Promise<unknown>
  updateItem(input: UpdateItemCommandInput): Promise<Pick<UpdateItemCommandOutput, 'Attributes'>>
  /** Yields one page of items after another. */
  query(input: QueryCommandInput): AsyncIterable<Pick<QueryCommandOutput, 'Items'>>
}

/** The operations of DynamoDB itself, through the SDK's client. */
export const dynamoDbOperations = (client: DynamoDBClient): DynamoDbOperations => ({
  getItem: input => client.send(new GetItemCommand(input)),
  batchGetItem: input => client.send(new BatchGetItemCommand(input)),
  putItem: input => client.send(new PutItemCommand(input)),
  deleteItem: input => client.send(new DeleteItemCommand(input)),
  updateItem: input => client.send(new UpdateItemCommand(input)),
  query: input => paginateQuery({ client }, input),
})
