import { loadConfig, type Config } from '../../streams/main/config.ts'

/** A whole configuration of these knobs (`PP_…`), with addresses at which nobody answers where none are given. */
export const configWith = (knobs: Readonly<Record<string, string>> = {}): Config =>
  loadConfig({
    PP_KAFKA_BROKERS: '127.0.0.1:1',
    PP_REGISTRY_URL: 'http://127.0.0.1:1',
    PP_S3_ENDPOINT: 'http://127.0.0.1:1',
    PP_S3_ACCESS_KEY_ID: 'key',
    PP_S3_SECRET_ACCESS_KEY: 'secret',
    PP_POSTGRES_URL: 'postgresql://nobody:none@127.0.0.1:1/none',
    ...knobs,
  })

/** What a command printed, and the function that it prints with. */
export function printer(): { readonly print: (text: string) => void; readonly said: () => string } {
  const lines: string[] = []
  return { print: text => void lines.push(text), said: () => lines.join('\n') }
}
