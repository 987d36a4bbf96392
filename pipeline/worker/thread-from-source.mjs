// Entry of the pipeline's thread in a checkout: a thread does not inherit its parent's loader for TypeScript.
// The compiled image has no need of it and starts thread.js itself.
import { register } from 'tsx/esm/api'

register()
await import('./thread.ts')
