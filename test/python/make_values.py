"""
Makes test/values/corpus.json: values with the ids of schemas, as the serializers of confluent-kafka for Python write
them (with fastavro and protobuf), the schemas as their registry has them, and the JSON that has to come of each.

    python -m venv /tmp/values && /tmp/values/bin/pip install 'confluent-kafka[avro,json,protobuf,schemaregistry]==2.16.1' \
        fastavro==1.13.1 protobuf==7.36.2 grpcio-tools==1.85.1
    /tmp/values/bin/python test/python/make_values.py

The same numbers are drawn in each run. The JSON of Avro is put together while a value is drawn, that of Protobuf is
from protobuf's own json_format.
"""

import base64
import datetime
import decimal
import importlib
import json
import pathlib
import random
import struct
import sys
import tempfile
import uuid

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry import header_schema_id_serializer
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import json_format
from grpc_tools import protoc

HERE = pathlib.Path(__file__).parent
TARGET = HERE.parent / "values" / "corpus.json"
rng = random.Random(26)

registry = SchemaRegistryClient.new_client({"url": "mock://"})
schemas, guids, versions, records = {}, {}, {}, []


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def described(schema):
    answer = {"schema": schema.schema_str, "schemaType": schema.schema_type}
    if schema.references:
        answer["references"] = [
            {"name": r.name, "subject": r.subject, "version": r.version} for r in schema.references
        ]
    return answer


def register(subject, schema):
    """Registers one that others refer to."""
    registry.register_schema(subject, schema)
    found = registry.get_latest_version(subject)
    versions[f"{subject}/{found.version}"] = described(schema)
    return found.version


def keep(title, value, headers, expected):
    """Notes a value that a serializer made, and the schema that it names."""
    id_bytes = dict(headers).get("__value_schema_id", value)
    if id_bytes[0] == 0:
        schema = struct.unpack(">I", id_bytes[1:5])[0]
        schemas[schema] = described(registry.get_schema(schema))
    else:
        schema = str(uuid.UUID(bytes=id_bytes[1:17]))
        guids[schema] = described(registry.get_schema_by_guid(schema))
    records.append(
        {
            "title": title,
            "value": base64.b64encode(value).decode(),
            "headers": [[name, base64.b64encode(each).decode()] for name, each in headers],
            "schema": schema,
            "json": expected,
        }
    )


def context(topic):
    return SerializationContext(topic, MessageField.VALUE, headers=[])


# --- Avro: schemas and values at random ---

TEXTS = ["", "a", 'quote " and \\', "tab\tnew\nline\u0001", "é", "日本語", "🚀", "\ufeff", "\u2028", "x" * 300]
LONGS = [0, 1, -1, 2**31 - 1, -(2**31), 2**53 - 1, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)]


def number_text(value):
    return str(int(value)) if value == int(value) else repr(value)


def b64(value):
    return text(base64.b64encode(value).decode())


class Drawn:
    """A schema, and how to draw values of it: what the serializer takes, and its JSON."""

    def __init__(self, schema, draw):
        self.schema, self.draw = schema, draw


class Names:
    def __init__(self):
        self.count = 0
        self.known = []

    def new(self, kind):
        self.count += 1
        return f"{kind}{self.count}"


def draw_long():
    value = rng.choice(LONGS) if rng.random() < 0.5 else rng.randint(-(2**63), 2**63 - 1)
    return value, str(value)


def draw_int():
    value = rng.choice([0, -1, 2**31 - 1, -(2**31), rng.randint(-1000, 1000)])
    return value, str(value)


def draw_float():
    value = rng.randint(-(2**20), 2**20) / 1024
    return value, number_text(value)


def draw_double():
    special = rng.random()
    if special < 0.05:
        return float("nan"), '"NaN"'
    if special < 0.1:
        return float("-inf"), '"-Infinity"'
    value = rng.randint(-(2**50), 2**50) / 2**12
    return value, number_text(value)


def draw_bytes(size=None):
    value = rng.randbytes(rng.randint(0, 20) if size is None else size)
    return value, b64(value)


def draw_text():
    value = rng.choice(TEXTS)
    return value, text(value)


def simple(schema, draw):
    return lambda names, depth: Drawn(schema, draw)


def decimal_type(names, depth):
    precision = rng.randint(1, 40)
    scale = rng.randint(0, precision)

    def draw():
        digits = rng.randint(-(10**precision) + 1, 10**precision - 1)
        value = decimal.Decimal(digits).scaleb(-scale, decimal.Context(prec=60))
        return value, text(f"{value:f}")

    return Drawn({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}, draw)


def fixed_decimal_type(names, depth):
    schema = {"type": "fixed", "name": names.new("Price"), "size": 9, "logicalType": "decimal", "precision": 20, "scale": 4}

    def draw():
        value = decimal.Decimal(rng.randint(-(10**20) + 1, 10**20 - 1)).scaleb(-4, decimal.Context(prec=60))
        return value, text(f"{value:f}")

    return Drawn(schema, draw)


def timestamp_type(names, depth):
    def draw():
        milliseconds = rng.randint(-(10**12), 4 * 10**12)
        when = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=milliseconds)
        return when, str(milliseconds)

    return Drawn({"type": "long", "logicalType": "timestamp-millis"}, draw)


def date_type(names, depth):
    def draw():
        days = rng.randint(-20000, 40000)
        return datetime.date(1970, 1, 1) + datetime.timedelta(days=days), str(days)

    return Drawn({"type": "int", "logicalType": "date"}, draw)


def uuid_type(names, depth):
    def draw():
        value = uuid.UUID(int=rng.getrandbits(128))
        return value, text(str(value))

    return Drawn({"type": "string", "logicalType": "uuid"}, draw)


def enum_type(names, depth):
    symbols = [f"S{n}" for n in range(rng.randint(1, 5))]

    def draw():
        value = rng.choice(symbols)
        return value, text(value)

    drawn = Drawn({"type": "enum", "name": names.new("Enum"), "symbols": symbols}, draw)
    names.known.append((drawn.schema["name"], draw))
    return drawn


def fixed_type(names, depth):
    size = rng.randint(0, 20)
    drawn = Drawn({"type": "fixed", "name": names.new("Fixed"), "size": size}, lambda: draw_bytes(size))
    names.known.append((drawn.schema["name"], drawn.draw))
    return drawn


def array_type(names, depth):
    item = any_type(names, depth + 1)

    def draw():
        items = [item.draw() for _ in range(rng.randint(0, 4))]
        return [each for each, _ in items], f"[{','.join(json for _, json in items)}]"

    return Drawn({"type": "array", "items": item.schema}, draw)


def map_type(names, depth):
    value = any_type(names, depth + 1)

    def draw():
        entries = {rng.choice(TEXTS): value.draw() for _ in range(rng.randint(0, 3))}
        json_text = ",".join(f"{text(key)}:{json}" for key, (_, json) in entries.items())
        return {key: each for key, (each, _) in entries.items()}, f"{{{json_text}}}"

    return Drawn({"type": "map", "values": value.schema}, draw)


def union_type(names, depth):
    branch = plain_type(names, depth + 1)
    schema = ["null", branch.schema] if rng.random() < 0.5 else [branch.schema, "null"]
    return Drawn(schema, lambda: (None, "null") if rng.random() < 0.4 else branch.draw())


def record_type(names, depth):
    name = names.new("Record")
    schema = {"type": "record", "name": name, "fields": []}
    if rng.random() < 0.3:
        schema["namespace"] = f"space{names.count}.inner"
    inside = names if "namespace" not in schema else Names()
    inside.count = names.count + 100
    fields = []
    for n in range(rng.randint(0 if depth > 0 else 1, 6)):
        field = any_type(inside, depth + 1)
        label = f"field_{n}"
        schema["fields"].append({"name": label, "type": field.schema})
        fields.append((label, field.draw))
    names.count = max(names.count, inside.count)

    def draw():
        drawn = {label: draw() for label, draw in fields}
        json_text = ",".join(f"{text(label)}:{json}" for label, (_, json) in drawn.items())
        return {label: value for label, (value, _) in drawn.items()}, f"{{{json_text}}}"

    return Drawn(schema, draw)


def known_type(names, depth):
    """One that was defined before, by its name."""
    if not names.known:
        return Drawn("string", draw_text)
    name, draw = rng.choice(names.known)
    return Drawn(name, draw)


PLAIN = [
    simple("null", lambda: (None, "null")),
    simple("boolean", lambda: rng.choice([(True, "true"), (False, "false")])),
    simple("int", draw_int),
    simple("long", draw_long),
    simple("float", draw_float),
    simple("double", draw_double),
    simple("bytes", draw_bytes),
    simple("string", draw_text),
    simple({"type": "string", "avro.java.string": "String"}, draw_text),
    decimal_type,
    fixed_decimal_type,
    timestamp_type,
    date_type,
    uuid_type,
    enum_type,
    fixed_type,
    known_type,
]
NESTED = [array_type, map_type, union_type, record_type, record_type]


def plain_type(names, depth):
    return rng.choice(PLAIN[1:-1])(names, depth)


def any_type(names, depth):
    return rng.choice(PLAIN if depth > 3 or rng.random() < 0.6 else NESTED)(names, depth)


def avro_at_random():
    for n in range(100):
        drawn = record_type(Names(), 0)
        serialize = AvroSerializer(registry, json.dumps(drawn.schema))
        for m in range(3):
            value, expected = drawn.draw()
            keep(f"Avro {n}.{m}", serialize(value, context(f"avro{n}")), [], expected)


# --- Avro: what has to be thought of ---


def avro_chosen():
    for schema, value, expected in [
        ('"string"', "é", '"é"'),
        ('{"type":"long"}', 2**63 - 1, "9223372036854775807"),
        ('["null","int"]', 5, "5"),
        ('{"type":"array","items":"long"}', list(range(1000)), text(list(range(1000)))),
    ]:
        keep(f"Avro {schema[:30]}", AvroSerializer(registry, schema)(value, context(f"top{len(records)}")), [], expected)

    tree = {
        "type": "record",
        "name": "Node",
        "namespace": "com.example",
        "fields": [
            {"name": "value", "type": "int"},
            {"name": "next", "type": ["null", "Node"]},
            {"name": "children", "type": {"type": "map", "values": "com.example.Node"}},
        ],
    }
    value, expected = {"value": 0, "next": None, "children": {}}, '{"value":0,"next":null,"children":{}}'
    for n in range(1, 40):
        value = {"value": n, "next": value, "children": {"leaf": {"value": -n, "next": None, "children": {}}}}
        leaf = f'{{"value":-{n},"next":null,"children":{{}}}}'
        expected = f'{{"value":{n},"next":{expected},"children":{{"leaf":{leaf}}}}}'
    serialize = AvroSerializer(registry, json.dumps(tree))
    keep("Avro of its own type", serialize(value, context("tree")), [], expected)

    address = Schema('{"type":"record","name":"Address","namespace":"com.a","fields":[{"name":"street","type":"string"}]}', "AVRO")
    version = register("address", address)
    customer = Schema(
        '{"type":"record","name":"Customer","namespace":"com.c","fields":[{"name":"home","type":"com.a.Address"},'
        '{"name":"others","type":{"type":"array","items":"com.a.Address"}}]}',
        "AVRO",
        [SchemaReference("com.a.Address", "address", version)],
    )
    customer_version = register("customer", customer)
    order = Schema(
        '{"type":"record","name":"Order","fields":[{"name":"by","type":["null","com.c.Customer"]},{"name":"to","type":"com.a.Address"}]}',
        "AVRO",
        [SchemaReference("com.c.Customer", "customer", customer_version), SchemaReference("com.a.Address", "address", version)],
    )
    place = {"street": "Main St. 1"}
    serialize = AvroSerializer(registry, order)
    expected = '{"by":{"home":{"street":"Main St. 1"},"others":[{"street":"Main St. 1"}]},"to":{"street":"Main St. 1"}}'
    keep("Avro with references", serialize({"by": {"home": place, "others": [place]}, "to": place}, context("order")), [], expected)

    serialize = AvroSerializer(registry, '{"type":"record","name":"H","fields":[{"name":"a","type":"int"}]}', conf={"schema.id.serializer": header_schema_id_serializer})
    where = context("header")
    value = serialize({"a": 1}, where)
    keep("Avro with its GUID in a header", value, where.headers, '{"a":1}')


# --- JSON Schema ---


def json_schema():
    schema = text({"title": "Order", "type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}})
    serialize = JSONSerializer(schema, registry)
    value = {"id": 2**60, "name": "é \" \n 🚀"}
    keep("JSON Schema", serialize(value, context("json")), [], json.dumps(value))
    where = context("json-header")
    serialize = JSONSerializer(schema, registry, conf={"schema.id.serializer": header_schema_id_serializer})
    keep("JSON Schema with its GUID in a header", serialize(value, where), where.headers, json.dumps(value))


# --- Protobuf ---

COMMON = """
syntax = "proto3";
package common.v1;
/* A place, // not nested */
message Place { string city = 1; Kind kind = 2; enum Kind { UNKNOWN = 0; HOME = 1; reserved 5 to 9; } }
"""
EVERYTHING = """
// Everything that proto3 has.
syntax = "proto3";
package test.v1;
option java_package = "com.example"; option (custom) = { a: 1 b { c: "}" } };
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import public "common/place.proto";

enum Color { option allow_alias = true; COLOR_NONE = 0; RED = 1; CRIMSON = 1 [deprecated = true]; BELOW = -2; }

message Everything {
  double a_double = 1; float a_float = 2; int32 int32 = 3; int64 int64 = 4; uint32 uint32 = 5; uint64 uint64 = 6;
  sint32 sint32 = 7; sint64 sint64 = 8; fixed32 fixed32 = 9; fixed64 fixed64 = 10; sfixed32 sfixed32 = 11;
  sfixed64 sfixed64 = 12; bool bool = 13; string string = 14; bytes bytes = 15;
  Color color = 16; repeated Color colors = 17; repeated int64 packed = 18; repeated int32 unpacked = 19 [packed = false];
  map<string, int64> counts = 20; map<int32, Inner> inners = 21; map<bool, string> flags = 22;
  oneof choice { string text = 23; int64 number = 24; Inner inner_choice = 25; }
  optional int32 maybe = 26; Inner inner = 27; repeated Inner list = 28;
  google.protobuf.Timestamp at = 29; google.protobuf.Duration took = 30; google.protobuf.Any any = 31;
  google.protobuf.Struct struct = 32; google.protobuf.Int64Value boxed = 33; google.protobuf.FieldMask mask = 34;
  google.protobuf.Value value = 35; google.protobuf.StringValue no_text = 36;
  common.v1.Place place = 37; .common.v1.Place.Kind kind = 38;
  string renamed = 39 [json_name = "otherName"]; string __odd__name_1 = 40; Everything self = 41;
  message Inner { string name = 1; message Deepest { int32 depth = 1; } Deepest deepest = 2; }
  reserved 100 to max; reserved "gone";
}
message Second { int32 a = 1; message Nested { string b = 1; } }
service Ignored { rpc Get(Second) returns (stream Second) { option (x) = "}"; } }
"""
PROTO2 = """
package old;
message Old {
  required string name = 1; optional int32 count = 2 [default = -5]; repeated Level levels = 3;
  enum Level { ZERO = 0; LOW = 1; HIGH = 0x10; OCTAL = 017; }
  optional group Details = 4 { optional string text = 1; }
  map<string, Level> by_name = 5;
  extensions 100 to 199;
}
extend Old { optional string extra = 100; }
"""


def compiled(folder, name, source):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    include = str(pathlib.Path(protoc.__file__).parent / "_proto")
    # What protoc has no definition of, and a registry takes.
    path.write_text(source.replace(" option (custom) = { a: 1 b { c: \"}\" } };", "").replace('option (x) = "}";', ""))
    assert protoc.main(["protoc", f"-I{folder}", f"-I{include}", f"--python_out={folder}", str(path)]) == 0
    return importlib.import_module(name.replace(".proto", "_pb2").replace("/", "."))


def protobuf():
    folder = pathlib.Path(tempfile.mkdtemp())
    sys.path.insert(0, str(folder))
    place_pb = compiled(folder, "common/place.proto", COMMON)
    all_pb = compiled(folder, "everything.proto", EVERYTHING)
    old_pb = compiled(folder, "old.proto", PROTO2)
    everything = all_pb.Everything

    full = everything(
        a_double=-1234.5, a_float=0.125, int32=-(2**31), int64=-(2**63), uint32=2**32 - 1, uint64=2**64 - 1, sint32=-5,
        sint64=2**63 - 1, fixed32=7, fixed64=2**64 - 1, sfixed32=-7, sfixed64=-(2**63), bool=True, string='é "🚀"\n',
        bytes=b"\x00\xff", color=1, colors=[0, 1, -2, 77], packed=[0, -1, 2**53 + 1], unpacked=[1, 2, 3],
        counts={"a": 2**60, "__proto__": 1}, inners={5: everything.Inner(name="five")}, flags={True: "yes"},
        number=0, maybe=0, inner=everything.Inner(deepest=everything.Inner.Deepest(depth=3)),
        list=[everything.Inner(), everything.Inner(name="x")], place=place_pb.Place(city="Ulm", kind=1), kind=1,
        renamed="r", __odd__name_1="odd", self=everything(self=everything(int32=1)),
    )
    full.at.FromJsonString("2026-01-31T12:00:00.123456789Z")
    full.took.FromJsonString("-3.000000001s")
    full.any.Pack(everything.Inner(name="packed"))
    full.struct.update({"a": [1, None, True, {"b": "c"}]})
    full.boxed.value = -(2**53) - 1
    full.mask.FromJsonString("aDouble,inner.name")
    full.value.null_value = 0
    full.no_text.value = ""
    old = old_pb.Old(name="n", levels=[1, 16, 15], by_name={"k": 16})
    old.details.text = "group"
    old.Extensions[old_pb.extra] = "more"
    pool = full.DESCRIPTOR.file.pool

    texts = {"everything.proto": EVERYTHING, "old.proto": PROTO2}
    version = registry.register_schema("place-text", Schema(COMMON, "PROTOBUF"))
    versions["place-text/1"] = {"schema": COMMON, "schemaType": "PROTOBUF"}
    for number, (title, message) in enumerate(
        [
            ("everything", full),
            ("nothing", everything()),
            ("a nested message", everything.Inner(name="inner")),
            ("one behind the entries of maps", everything.Inner.Deepest(depth=2)),
            ("the second message", all_pb.Second(a=1)),
            ("a message in the second", all_pb.Second.Nested(b="b")),
            ("NaN and infinity", everything(a_double=float("nan"), a_float=float("-inf"))),
            ("proto2", old),
        ]
    ):
        expected = text(json_format.MessageToDict(message, descriptor_pool=pool))
        serialize = ProtobufSerializer(type(message), registry, {"use.deprecated.format": False})
        value = serialize(message, context(f"proto{number}"))
        keep(f"Protobuf, {title}", value, [], expected)
        for found in list(registry.get_subjects()):
            latest = registry.get_latest_version(found)
            if latest.schema.schema_type == "PROTOBUF":
                versions[f"{found}/{latest.version}"] = described(latest.schema)
        # The same with the file as text, as a registry shows it.
        schema = 1000 + number
        file = message.DESCRIPTOR.file.name
        schemas[schema] = {"schema": texts[file], "schemaType": "PROTOBUF"}
        if file == "everything.proto":
            schemas[schema]["references"] = [{"name": "common/place.proto", "subject": "place-text", "version": 1}]
        records.append({**records[-1], "title": f"Protobuf of text, {title}", "schema": schema,
                        "value": base64.b64encode(b"\0" + struct.pack(">I", schema) + value[5:]).decode()})
        where = context(f"proto-header{number}")
        serialize = ProtobufSerializer(type(message), registry, {"use.deprecated.format": False, "schema.id.serializer": header_schema_id_serializer})
        value = serialize(message, where)
        keep(f"Protobuf with its GUID in a header, {title}", value, where.headers, expected)


avro_at_random()
avro_chosen()
json_schema()
protobuf()
TARGET.parent.mkdir(exist_ok=True)
lines = ",\n".join(text(each) for each in records)
maps = ",\n".join(
    f'"{name}":{{\n' + ",\n".join(f"{text(str(key))}:{text(answer)}" for key, answer in found.items()) + "\n}"
    for name, found in [("schemas", schemas), ("guids", guids), ("versions", versions)]
)
TARGET.write_text(f'{{\n{maps},\n"records":[\n{lines}\n]\n}}\n')
print(f"{len(records)} values of {len(schemas) + len(guids)} schemas in {TARGET}")
