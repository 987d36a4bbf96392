import { missingImages, pullImage } from './containers/images.ts'
import { engineAddress, engineAnswers } from './engine.mjs'
import type { Progress, ServiceAddresses } from './services.ts'
import { imagesOf } from './versions.ts'

export interface Choice {
  readonly provider: ServiceAddresses['provider']
  readonly why: string
  /** How long pulling images took, whether or not it helped. */
  readonly downloadMs: number
}

/**
 * Containers when an engine answers and has all the images or can pull them; otherwise processes. Never throws: what
 * stood in the way of containers is in `why`.
 */
export async function chooseProvider(progress: Progress, address = engineAddress()): Promise<Choice> {
  const begunAt = Date.now()
  const choice = (provider: Choice['provider'], why: string) => ({ provider, why, downloadMs: Date.now() - begunAt })

  const engine = await engineAnswers(address)
  if (!address || !engine.answers) return choice('processes', `no container engine answers (${engine.why})`)
  const images = Object.values(imagesOf(process.env))
  let current = ''
  try {
    const missing = await missingImages(address, images)
    for (current of missing) {
      progress(`Pulling the image ${current}`)
      await pullImage(address, current, progress)
    }
    return choice('containers', `the container engine at ${address} answers and has the images`)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return choice('processes', `a container engine answers at ${address}, but ${current || 'its images'}: ${reason}`)
  }
}
