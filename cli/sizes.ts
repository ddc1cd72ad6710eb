const KB = 1024
const MB = KB * KB

export interface Amount {
  readonly objects: number
  readonly bytes: number
}

/** `12 objects with 3.4 MB`. */
export const amountText = ({ objects, bytes }: Amount): string =>
  `${objects} ${objects === 1 ? 'object' : 'objects'} with ${sizeText(bytes)}`

export const sizeText = (bytes: number): string => (bytes < MB ? `${Math.ceil(bytes / KB)} KB` : `${(bytes / MB).toFixed(1)} MB`)
