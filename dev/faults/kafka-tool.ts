import { fetchKafka } from '../services/processes/artifacts.ts'
import { java } from '../services/processes/java.ts'
import { kafkaClassPath } from '../services/processes/kafka.ts'

/** How one of Kafka's own tools is run, small and without a word of its logger: the program and its arguments. */
export async function kafkaTool(name: string, args: readonly string[]): Promise<[string, string[]]> {
  const kafka = await fetchKafka(() => {})
  const logging = ['-Dlog4j2.statusLoggerLevel=OFF', '-Dorg.apache.logging.log4j.level=OFF']
  const small = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx200m']
  return [java, [...logging, ...small, '-cp', kafkaClassPath(kafka), `org.apache.kafka.tools.${name}`, ...args]]
}
