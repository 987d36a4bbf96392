/**
 * npm run kafka -- <tool> [arguments]
 *
 * Runs one of Kafka's own command-line tools from the jars of the local broker, so that nothing else has to be
 * installed. `npm run kafka -- consumer-groups --bootstrap-server 127.0.0.1:9092 --list` is what `kafka-consumer-groups
 * --bootstrap-server …` is in a Kafka distribution.
 */
import { spawnSync } from 'node:child_process'
import { fetchKafka } from './processes/artifacts.ts'
import { java } from './processes/java.ts'
import { kafkaClassPath } from './processes/kafka.ts'

/** The tools by their names without `kafka-` and `.sh`, and the class that each script of the distribution runs. */
const tools: Readonly<Record<string, string>> = {
  configs: 'kafka.admin.ConfigCommand',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'consumer-perf-test': 'org.apache.kafka.tools.ConsumerPerformance',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  topics: 'org.apache.kafka.tools.TopicCommand',
  transactions: 'org.apache.kafka.tools.TransactionsCommand',
}

const [name = '', ...args] = process.argv.slice(2)
const tool = tools[name]
if (tool) {
  const kafka = await fetchKafka(line => console.error(line))
  // Without this the logger would first complain that nobody configured it.
  const quiet = ['-Dlog4j2.statusLoggerLevel=OFF', '-Dorg.apache.logging.log4j.level=ERROR']
  const { status, error } = spawnSync(java, [...quiet, '-cp', kafkaClassPath(kafka), tool, ...args], {
    stdio: 'inherit',
  })
  if (error) console.error(`Java cannot be run (${java}): ${error.message}`)
  process.exitCode = status ?? 1
} else {
  console.error(`usage: npm run kafka -- <tool> [arguments]; "${name}" is none of ${Object.keys(tools).join(', ')}`)
  process.exitCode = 1
}
