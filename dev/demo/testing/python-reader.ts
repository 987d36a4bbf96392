import type { Alert } from '../../../schemas/avro/generated.ts'
import type { Python } from '../../../schemas/testing/python.ts'
import { alerts } from '../../../topology/streams.ts'
import type { ServiceAddresses } from '../../services/services.ts'

/**
 * Reads every partition to its end, read committed, and prints each alert as two decoders see it, once the observatory's own package has decoded
 * it by its own schema and found it valid. What JSON cannot say crosses as a tagged object, by the schema's types: longs and bytes.
 */
const SCRIPT = `
import io, json, sys, urllib.request
import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from lsst.alert.packet import Schema

ask = json.load(sys.stdin)
schemas = {}
def schema_of(id):
    if id not in schemas:
        names = {}
        with urllib.request.urlopen(f"{ask['registry']}/schemas/ids/{id}") as answer:
            text = json.load(answer)['schema']
        schemas[id] = fastavro.parse_schema(json.loads(text), names), names
    return schemas[id]

def tag(value, schema, names):
    if isinstance(schema, list):
        return None if value is None else tag(value, next(s for s in schema if s != 'null'), names)
    if isinstance(schema, str): schema = names.get(schema, schema)
    kind = schema['type'] if isinstance(schema, dict) else schema
    if kind == 'record': return {f['name']: tag(value[f['name']], f['type'], names) for f in schema['fields']}
    if kind == 'array': return [tag(each, schema['items'], names) for each in value]
    if kind == 'long': return {'$long': str(value)}
    if kind == 'bytes': return {'$bytes': value.hex()}
    return value

consumer = Consumer({
    'bootstrap.servers': ask['brokers'], 'group.id': 'python-reader', 'enable.auto.commit': False,
    'isolation.level': 'read_committed', 'enable.partition.eof': True,
})
topic = ask['topic']
partitions = consumer.list_topics(topic, 10).topics[topic].partitions
consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
deserialize = AvroDeserializer(SchemaRegistryClient({'url': ask['registry']}))
context = SerializationContext(topic, MessageField.VALUE)
packet = Schema.from_uri()
if packet.definition['name'] != 'lsst.v11_1.alert': sys.exit(f"the package's schema is {packet.definition['name']}")
ended = set()
while len(ended) < len(partitions):
    message = consumer.poll(30)
    if message is None: sys.exit('the brokers are silent')
    if message.error():
        if message.error().code() != KafkaError._PARTITION_EOF: sys.exit(str(message.error()))
        ended.add(message.partition())
        continue
    value = message.value()
    if not packet.validate(packet.deserialize(value[5:])): sys.exit(f'{value[:40].hex()}… is no valid packet')
    schema, names = schema_of(int.from_bytes(value[1:5], 'big'))
    print(json.dumps({
        'fastavro': tag(fastavro.schemaless_reader(io.BytesIO(value[5:]), schema), schema, names),
        'confluent': tag(deserialize(value, context), schema, names),
    }))
consumer.close()
`

/**
 * Every alert of the public stream as Python's `fastavro` and Confluent's `AvroDeserializer` decode it.
 * @throws Error where `lsst.alert.packet` finds one that is not valid
 */
export async function readInPython(
  python: Extract<Python, { run: unknown }>,
  { kafka, registry }: ServiceAddresses,
): Promise<readonly { readonly fastavro: Alert; readonly confluent: Alert }[]> {
  const ask = { brokers: kafka.brokers.join(','), registry: registry.url, topic: alerts.topic }
  const lines = (await python.run(SCRIPT, JSON.stringify(ask))).split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line, untagged) as { fastavro: Alert; confluent: Alert })
}

function untagged(_key: string, value: unknown): unknown {
  const tag = value as { readonly $long?: string; readonly $bytes?: string } | null
  if (typeof tag?.$long === 'string') return BigInt(tag.$long)
  return typeof tag?.$bytes === 'string' ? Buffer.from(tag.$bytes, 'hex') : value
}
