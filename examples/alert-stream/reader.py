"""Reads the alert stream: one line for each alert and, with --cutouts, its stamps as FITS files. What it must heed: docs/alert-stream.md

    pip install "confluent-kafka[avro,schemaregistry]>=2.16"
    python reader.py --brokers HOST:PORT --registry URL [--group NAME] [--cutouts FOLDER] [--set name=value …]
"""

import argparse
import pathlib

from confluent_kafka import Consumer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

STAMPS = ("cutoutDifference", "cutoutScience", "cutoutTemplate")


def settings(options):
    """Of librdkafka. --set adds others, as those for a user and password."""
    return {
        "bootstrap.servers": options.brokers,
        "group.id": options.group,
        "auto.offset.reset": "earliest",
        # Without it alerts of aborted transactions are delivered too.
        "isolation.level": "read_committed",
        # An offset is stored when its alert has been dealt with, not when it has been fetched: who is killed reads some again, and loses none.
        "enable.auto.offset.store": False,
        **dict(pair.split("=", 1) for pair in options.set),
    }


def alerts(consumer, options):
    """Every alert once, for ever, as a dictionary. Ids are int, which Python never rounds."""
    decode = AvroDeserializer(SchemaRegistryClient({"url": options.registry}))
    value = SerializationContext(options.topic, MessageField.VALUE)
    seen = set()  # in a system that lasts: a unique key in its database
    while True:
        message = consumer.poll(1)
        if message is None:
            continue  # silence is normal: there is no heartbeat, and a day has hours without any alert
        if message.error():
            raise SystemExit(f"Kafka says: {message.error()}")
        alert = decode(message.value(), value)
        if alert["diaSourceId"] not in seen:
            yield alert
            seen.add(alert["diaSourceId"])
        consumer.store_offsets(message)


def line(alert):
    source = alert["diaSource"]
    known = alert["diaObject"] or alert["ssSource"]
    body = f"object {known['diaObjectId']}" if alert["diaObject"] else f"solar system {known['designation']}"
    flux = "no flux" if source["psfFlux"] is None else f"{source['psfFlux']:.0f} nJy"
    earlier = len(alert["prvDiaSources"] or ())
    place = f"{source['ra']:.5f} {source['dec']:+.5f}"
    return f"{alert['diaSourceId']}  {body}  MJD {source['midpointMjdTai']:.5f}  {place}  {source['band']}  {flux}  {earlier} earlier"


def save(alert, folder):
    """Open one with CCDData.read(path): nJy, with its variance; a position is WCS(ccd.header).all_pix2world(x, y, 0)."""
    for name in STAMPS:
        if alert[name] is not None:
            (folder / f"{alert['diaSourceId']}-{name}.fits").write_bytes(alert[name])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--registry", required=True)
    parser.add_argument("--topic", default="lsst-alerts-v11")
    parser.add_argument("--group", default="example-reader")
    parser.add_argument("--cutouts", type=pathlib.Path, help="a folder for the stamps")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of librdkafka")
    options = parser.parse_args()
    if options.cutouts:
        options.cutouts.mkdir(parents=True, exist_ok=True)
    consumer = Consumer(settings(options))
    consumer.subscribe([options.topic])
    try:
        for alert in alerts(consumer, options):
            if options.cutouts:
                save(alert, options.cutouts)
            print(line(alert), flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()  # stores what has been dealt with, and leaves the group at once


if __name__ == "__main__":
    main()
