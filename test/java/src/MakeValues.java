import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.util.JsonFormat;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import io.apicurio.registry.serde.jsonschema.JsonSchemaKafkaSerializer;
import io.apicurio.registry.serde.protobuf.ProtobufKafkaSerializer;
import java.math.BigDecimal;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Conversions.DecimalConversion;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.kafka.common.serialization.Serializer;

/**
 * Makes test/values/apicurio.json: values as Apicurio's serializers for Java write them in Confluent's form, the
 * schemas as its registry has them, and the JSON that has to come of each.
 *
 *     npm run kafka -- --registry
 *     mvn -q -f test/java compile exec:java -Dexec.args="http://localhost:8081 test/values/apicurio.json"
 *     npm run kafka -- stop
 *
 * The JSON of Protobuf is from protobuf's own JsonFormat, that of the others stands here.
 */
public final class MakeValues {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final String registry;
    private final ObjectNode schemas = MAPPER.createObjectNode();
    private final ArrayNode records = MAPPER.createArrayNode();

    private MakeValues(String registry) {
        this.registry = registry;
    }

    public static void main(String[] args) throws Exception {
        MakeValues made = new MakeValues(args[0]);
        made.avro();
        made.protobuf();
        made.jsonSchema();
        ObjectNode all = MAPPER.createObjectNode();
        all.set("schemas", made.schemas);
        all.set("records", made.records);
        Files.writeString(Path.of(args[1]), MAPPER.writerWithDefaultPrettyPrinter().writeValueAsString(all) + "\n");
    }

    private void avro() throws Exception {
        String text = """
            {"type": "record", "name": "Order", "namespace": "shop", "fields": [
              {"name": "id", "type": "string"},
              {"name": "number", "type": "long"},
              {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
              {"name": "weight", "type": "double"},
              {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
              {"name": "note", "type": ["null", "string"]},
              {"name": "tags", "type": {"type": "array", "items": "string"}},
              {"name": "counts", "type": {"type": "map", "values": "int"}},
              {"name": "lines", "type": {"type": "array", "items": {
                "type": "record", "name": "Line", "fields": [{"name": "sku", "type": "string"}, {"name": "raw", "type": "bytes"}]}}}]}
            """;
        Schema schema = new Schema.Parser().parse(text);
        Schema total = schema.getField("total").schema();
        Schema line = schema.getField("lines").schema().getElementType();
        GenericData.Record full = new GenericData.Record(schema);
        full.put("id", "é 🚀");
        full.put("number", Long.MAX_VALUE);
        full.put("total", new DecimalConversion().toBytes(new BigDecimal("12.30"), total, total.getLogicalType()));
        full.put("weight", Double.NaN);
        full.put("state", new GenericData.EnumSymbol(schema.getField("state").schema(), "PAID"));
        full.put("note", "line\n\"quoted\"");
        full.put("tags", List.of("a", ""));
        full.put("counts", Map.of("one", -1));
        GenericData.Record of = new GenericData.Record(line);
        of.put("sku", "s");
        of.put("raw", ByteBuffer.wrap(new byte[] {(byte) 0xff, 0}));
        full.put("lines", List.of(of));
        GenericData.Record empty = new GenericData.Record(schema);
        empty.put("id", "");
        empty.put("number", 0L);
        empty.put("total", new DecimalConversion().toBytes(new BigDecimal("-0.05"), total, total.getLogicalType()));
        empty.put("weight", 0.5);
        empty.put("state", new GenericData.EnumSymbol(schema.getField("state").schema(), "NEW"));
        empty.put("tags", List.of());
        empty.put("counts", Map.of());
        empty.put("lines", List.of());
        try (AvroKafkaSerializer<GenericData.Record> serializer = new AvroKafkaSerializer<>()) {
            serializer.configure(config(), false);
            keep("Avro", serializer, "avro", full, """
                {"id":"é 🚀","number":9223372036854775807,"total":"12.30","weight":"NaN","state":"PAID",\
                "note":"line\\n\\"quoted\\"","tags":["a",""],"counts":{"one":-1},"lines":[{"sku":"s","raw":"/wA="}]}""");
            keep("Avro, empty", serializer, "avro", empty, """
                {"id":"","number":0,"total":"-0.05","weight":0.5,"state":"NEW","note":null,"tags":[],"counts":{},"lines":[]}""");
        }
    }

    private void protobuf() throws Exception {
        DescriptorProto line = DescriptorProto.newBuilder().setName("Line")
            .addField(field("sku", 1, Type.TYPE_STRING)).addField(field("raw", 2, Type.TYPE_BYTES)).build();
        EnumDescriptorProto state = EnumDescriptorProto.newBuilder().setName("State")
            .addValue(EnumValueDescriptorProto.newBuilder().setName("NEW").setNumber(0))
            .addValue(EnumValueDescriptorProto.newBuilder().setName("PAID").setNumber(1)).build();
        DescriptorProto order = DescriptorProto.newBuilder().setName("Order")
            .addField(field("id", 1, Type.TYPE_STRING))
            .addField(field("big_number", 2, Type.TYPE_SINT64))
            .addField(field("weight", 3, Type.TYPE_DOUBLE))
            .addField(field("state", 4, Type.TYPE_ENUM).setTypeName(".shop.State"))
            .addField(field("counts", 5, Type.TYPE_INT32).setLabel(Label.LABEL_REPEATED))
            .addField(field("lines", 6, Type.TYPE_MESSAGE).setTypeName(".shop.Line").setLabel(Label.LABEL_REPEATED))
            .addField(field("paid", 7, Type.TYPE_BOOL)).build();
        FileDescriptorProto file = FileDescriptorProto.newBuilder().setName("orders.proto").setSyntax("proto3")
            .setPackage("shop").addMessageType(line).addMessageType(order).addEnumType(state).build();
        FileDescriptor built = FileDescriptor.buildFrom(file, new FileDescriptor[0]);
        Descriptor type = built.findMessageTypeByName("Order");
        Descriptor lineType = built.findMessageTypeByName("Line");
        DynamicMessage one = DynamicMessage.newBuilder(lineType)
            .setField(lineType.findFieldByName("sku"), "é")
            .setField(lineType.findFieldByName("raw"), ByteString.copyFrom(new byte[] {(byte) 0xff})).build();
        DynamicMessage full = DynamicMessage.newBuilder(type)
            .setField(type.findFieldByName("id"), "\"order\" 🚀")
            .setField(type.findFieldByName("big_number"), Long.MIN_VALUE)
            .setField(type.findFieldByName("weight"), Double.NEGATIVE_INFINITY)
            .setField(type.findFieldByName("state"), built.findEnumTypeByName("State").findValueByName("PAID"))
            .addRepeatedField(type.findFieldByName("counts"), -1)
            .addRepeatedField(type.findFieldByName("counts"), 0)
            .addRepeatedField(type.findFieldByName("lines"), one)
            .addRepeatedField(type.findFieldByName("lines"), DynamicMessage.getDefaultInstance(lineType))
            .setField(type.findFieldByName("paid"), true).build();
        JsonFormat.Printer printer = JsonFormat.printer().omittingInsignificantWhitespace();
        try (ProtobufKafkaSerializer<DynamicMessage> serializer = new ProtobufKafkaSerializer<>()) {
            serializer.configure(config(), false);
            keep("Protobuf, the second message", serializer, "protobuf", full, printer.print(full));
            keep("Protobuf, the first message", serializer, "protobuf", one, printer.print(one));
            DynamicMessage empty = DynamicMessage.getDefaultInstance(type);
            keep("Protobuf, nothing", serializer, "protobuf", empty, printer.print(empty));
        }
    }

    private static FieldDescriptorProto.Builder field(String name, int number, Type type) {
        return FieldDescriptorProto.newBuilder().setName(name).setNumber(number).setType(type)
            .setLabel(Label.LABEL_OPTIONAL);
    }

    /** Its serializer registers nothing. */
    private void jsonSchema() throws Exception {
        ObjectNode schema = MAPPER.createObjectNode();
        schema.put("schemaType", "JSON");
        schema.put("schema", """
            {"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"id":{"type":"string"}},"required":["id"]}""");
        HttpRequest request = HttpRequest.newBuilder(URI.create(registry + "/apis/ccompat/v7/subjects/json-value/versions"))
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(schema.toString())).build();
        HTTP.send(request, BodyHandlers.ofString());
        Map<String, Object> config = config();
        config.put("apicurio.registry.auto-register", false);
        config.put("apicurio.registry.find-latest", true);
        Map<String, Object> value = Map.of("id", "é");
        try (JsonSchemaKafkaSerializer<Map<String, Object>> serializer = new JsonSchemaKafkaSerializer<>()) {
            serializer.configure(config, false);
            keep("JSON Schema", serializer, "json", value, "{\"id\":\"é\"}");
        }
    }

    private Map<String, Object> config() {
        Map<String, Object> config = new HashMap<>();
        config.put("apicurio.registry.url", registry + "/apis/registry/v2");
        config.put("apicurio.registry.auto-register", true);
        config.put("apicurio.registry.as-confluent", true);
        config.put("apicurio.registry.headers.enabled", false);
        // The ids that its API of Confluent's form knows.
        config.put("apicurio.registry.use-id", "contentId");
        return config;
    }

    private <T> void keep(String title, Serializer<T> serializer, String topic, T data, String json) throws Exception {
        byte[] value = serializer.serialize(topic, data);
        int id = ByteBuffer.wrap(value, 1, 4).getInt();
        URI uri = URI.create(registry + "/apis/ccompat/v7/schemas/ids/" + id);
        JsonNode answer = MAPPER.readTree(HTTP.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString()).body());
        schemas.set(String.valueOf(id), answer);
        ObjectNode kept = records.addObject();
        kept.put("title", title);
        kept.put("value", Base64.getEncoder().encodeToString(value));
        kept.putArray("headers");
        kept.put("schema", id);
        kept.put("json", json);
    }
}
