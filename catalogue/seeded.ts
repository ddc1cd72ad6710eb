const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

/** A number below `bound` that depends on the text only (FNV-1a, mixed as in MurmurHash3). */
export function seeded(text: string, bound: number): number {
  let hash = FNV_OFFSET
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % bound
}
