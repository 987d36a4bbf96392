# Settings come as variables, as in the upstream image: KAFKA_NODE_ID=1 is node.id=1.
set -euo pipefail
settings=/tmp/server.properties
env | grep '^KAFKA_' | grep -v '_OPTS=' | while IFS='=' read -r name value; do
  name=${name#KAFKA_}
  name=${name,,}
  echo "${name//_/.}=$value"
done >"$settings"
kafka=(java ${KAFKA_HEAP_OPTS:-} -XX:+UseSerialGC -cp '/opt/kafka/libs/*')
"${kafka[@]}" kafka.tools.StorageTool format --ignore-formatted -t 5L6g3nShT-eMCtK--X86sw -c "$settings"
exec "${kafka[@]}" kafka.Kafka "$settings"
