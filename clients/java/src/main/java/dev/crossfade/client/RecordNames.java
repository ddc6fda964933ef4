package dev.crossfade.client;

import com.google.api.ResourceProto;
import com.google.protobuf.DescriptorProtos.MethodOptions.IdempotencyLevel;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a method says of records, by AIP-131 to AIP-135 and their batches: under which names a session remembers the versions of its
 * answers, whether it only reads, and which of its requests may be sent twice. Made once a method.
 */
final class RecordNames {
  private static final Pattern READS = Pattern.compile("^(Get|List|BatchGet|Lookup|Watch)");

  /** How the id of a new record is named: {@code medication_id} of {@code medications}. */
  private record NewRecord(FieldDescriptor id, String collection) {}

  private final String method;
  private final boolean read;
  /** Of a List: the collection that it answers; null: it is none, or not of a resource. */
  private final String listed;
  /** Of a Create: of its own request; of a batch of them: of each. */
  private final NewRecord created;

  RecordNames(MethodDescriptor descriptor) {
    method = descriptor.getName();
    read =
        READS.matcher(method).find()
            || descriptor.getOptions().getIdempotencyLevel() == IdempotencyLevel.NO_SIDE_EFFECTS;
    listed = method.startsWith("List") ? collectionListedIn(descriptor.getOutputType()) : null;
    FieldDescriptor each = descriptor.getInputType().findFieldByName("requests");
    boolean isBatch = method.startsWith("Batch") && each != null && each.getJavaType() == JavaType.MESSAGE;
    created = newRecordOf(isBatch ? each.getMessageType() : descriptor.getInputType());
  }

  /** The list in which a record stands: {@code patients/p/medications/*}. Its name is no record's: {@code *} is no part of one. */
  static String listOf(String name) {
    return name.substring(0, name.lastIndexOf('/') + 1) + "*";
  }

  boolean isRead() {
    return read;
  }

  /** The record's own name for Get, Create, Update and Delete, {@link #listOf} for List; null: the request names neither. */
  String ofRequest(Message request) {
    if (method.startsWith("List")) {
      return listed == null ? null : within(text(request, "parent"), listed, "*");
    }
    if (method.startsWith("Create")) {
      return ofCreated(request, text(request, "parent"));
    }
    return method.startsWith("Batch") ? null : ofOne(request);
  }

  /** The names of the records of a batch, without doubles; none: it is no batch. */
  Set<String> ofBatch(Message request) {
    Set<String> names = new LinkedHashSet<>();
    if (!method.startsWith("Batch")) {
      return names;
    }
    for (Object name : repeated(request, "names", JavaType.STRING)) {
      names.add((String) name);
    }
    for (Object part : repeated(request, "requests", JavaType.MESSAGE)) {
      Message one = (Message) part;
      // The parent of a request of a batch may be left out.
      String own = text(one, "parent");
      boolean isCreate = one.getDescriptorForType().findFieldByName("parent") != null;
      String name = isCreate ? ofCreated(one, own == null ? text(request, "parent") : own) : ofOne(one);
      if (name != null) {
        names.add(name);
      }
    }
    names.remove("");
    return names;
  }

  /** The name of the record that an answer holds, for requests that did not know it; null: it holds none. */
  static String ofAnswer(MessageOrBuilder answer) {
    return text(answer, "name");
  }

  /** Whether a write may be sent again without a second effect: it has a {@code request_id} (AIP-155), and so has each part of a batch. */
  boolean isNamed(Message request) {
    if (request.getDescriptorForType().findFieldByName("requests") == null) {
      return text(request, "request_id") != null;
    }
    List<Object> parts = repeated(request, "requests", JavaType.MESSAGE);
    return !parts.isEmpty() && parts.stream().allMatch(part -> text((Message) part, "request_id") != null);
  }

  private static String ofOne(Message request) {
    String own = text(request, "name");
    if (own != null) {
      return own;
    }
    // Update requests carry the resource in a field of its own.
    for (Object value : request.getAllFields().values()) {
      String name = value instanceof Message part ? ofAnswer(part) : null;
      if (name != null) {
        return name;
      }
    }
    return null;
  }

  /** Not the name in the resource: AIP-133 says that it counts for nothing. */
  private String ofCreated(Message request, String parent) {
    String id = created == null ? null : text(request, created.id().getName());
    return id == null ? null : within(parent, created.collection(), id);
  }

  private static NewRecord newRecordOf(Descriptor request) {
    for (FieldDescriptor field : request.getFields()) {
      String collection = !field.isRepeated() ? collectionOf(field) : null;
      FieldDescriptor id = request.findFieldByName(field.getName() + "_id");
      if (collection != null && id != null) {
        return new NewRecord(id, collection);
      }
    }
    return null;
  }

  private static String collectionListedIn(Descriptor answer) {
    for (FieldDescriptor field : answer.getFields()) {
      String collection = field.isRepeated() ? collectionOf(field) : null;
      if (collection != null) {
        return collection;
      }
    }
    return null;
  }

  /** {@code medications}, from the resource's pattern; null: the field is of no resource. */
  private static String collectionOf(FieldDescriptor field) {
    if (field.getJavaType() != JavaType.MESSAGE) {
      return null;
    }
    List<String> patterns = field.getMessageType().getOptions().getExtension(ResourceProto.resource).getPatternList();
    String[] parts = patterns.isEmpty() ? new String[0] : patterns.get(0).split("/");
    return parts.length < 2 ? null : parts[parts.length - 2];
  }

  private static String within(String parent, String collection, String id) {
    return (parent == null ? "" : parent + "/") + collection + "/" + id;
  }

  private static String text(MessageOrBuilder message, String name) {
    FieldDescriptor field = message.getDescriptorForType().findFieldByName(name);
    if (field == null || field.isRepeated() || field.getJavaType() != JavaType.STRING) {
      return null;
    }
    String value = (String) message.getField(field);
    return value.isEmpty() ? null : value;
  }

  private static List<Object> repeated(Message message, String name, JavaType type) {
    FieldDescriptor field = message.getDescriptorForType().findFieldByName(name);
    if (field == null || !field.isRepeated() || field.getJavaType() != type) {
      return List.of();
    }
    return new ArrayList<>((List<?>) message.getField(field));
  }
}
