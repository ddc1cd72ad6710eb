/** Splits items into consecutive chunks within both limits; an item above `maxBytes` gets a chunk of its own. */
export function splitBySize<T>(items: readonly T[], sizeOf: (item: T) => number, maxItems: number, maxBytes: number): T[][] {
  const chunks: T[][] = []
  let chunk: T[] = []
  let chunkBytes = 0
  for (const item of items) {
    const bytes = sizeOf(item)
    if (chunk.length === 0 || chunk.length === maxItems || chunkBytes + bytes > maxBytes) {
      chunk = []
      chunkBytes = 0
      chunks.push(chunk)
    }
    chunk.push(item)
    chunkBytes += bytes
  }
  return chunks
}
