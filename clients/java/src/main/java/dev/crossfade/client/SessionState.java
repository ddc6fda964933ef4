package dev.crossfade.client;

import com.google.protobuf.Message;
import com.google.rpc.ErrorInfo;
import dev.crossfade.client.RetryPolicy.CallKind;
import io.grpc.Metadata;
import io.grpc.Status;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** What a session knows, and how it goes into requests and comes out of answers. */
final class SessionState {
  private static final Metadata.Key<String> VERSION = SessionOptions.key("crossfade-version");
  private static final Metadata.Key<String> CONSISTENCY = SessionOptions.key("crossfade-consistency");

  /** Versions are below 2^63. */
  private static final Pattern DIGITS = Pattern.compile("[0-9]{1,19}");

  private final SessionOptions options;
  private final KnownVersions versions;

  SessionState(SessionOptions options, KnownVersions versions) {
    this.options = options;
    this.versions = versions;
  }

  long versionOf(String name) {
    return versions.of(name);
  }

  /** One request, as a session sees it. {@code asked}: what the call itself is for; null: it does not say. */
  Exchange exchange(RecordNames names, Message request, Consistency asked) {
    boolean isRead = names.isRead();
    CallKind kind = isRead ? CallKind.READ : names.isNamed(request) ? CallKind.NAMED : CallKind.WRITE;
    return new Exchange(kind, names.ofBatch(request), names.ofRequest(request), asked);
  }

  /** A request that may be sent several times. */
  final class Exchange {
    private final CallKind kind;
    private final Set<String> batch;
    private final String name;
    private final Consistency asked;
    private long moment;

    private Exchange(CallKind kind, Set<String> batch, String name, Consistency asked) {
      this.kind = kind;
      this.batch = batch;
      this.name = name;
      this.asked = asked;
    }

    CallKind kind() {
      return kind;
    }

    /** The metadata of one attempt; what is in {@code given} already counts. */
    Metadata headers(Metadata given) {
      Metadata headers = new Metadata();
      headers.merge(given);
      moment = versions.moment();
      options.identify(headers);
      boolean isRead = kind == CallKind.READ;
      if (isRead && asked != null) {
        setOnce(headers, asked);
      }
      if (!headers.containsKey(VERSION)) {
        if (!batch.isEmpty()) {
          addBatchVersion(headers, isRead);
        } else if (name != null) {
          addVersion(headers, versions.of(name));
          askAuthorityIf(isRead && versions.isShownByList(name), headers);
        }
      }
      if (isRead && options.consistency() != null) {
        setOnce(headers, options.consistency());
      }
      return headers;
    }

    /**
     * One version is compared with every record of a batch, so it is the least that is known of them; where others are known to be
     * newer, the authority is asked, which shows them all.
     */
    private void addBatchVersion(Metadata headers, boolean isRead) {
      if (!isRead) {
        return;
      }
      long least = batch.stream().mapToLong(versions::of).min().orElse(0);
      addVersion(headers, least);
      askAuthorityIf(batch.stream().anyMatch(one -> versions.of(one) > least || versions.isShownByList(one)), headers);
    }

    void answered(Metadata headers, Metadata trailers, Message answer) {
      long version = versionIn(headers).or(() -> versionIn(trailers)).orElse(0L);
      for (String one : batch) {
        versions.raise(one, version, moment);
      }
      String known = name == null ? RecordNames.ofAnswer(answer) : name;
      if (batch.isEmpty() && known != null) {
        versions.raise(known, version, moment);
      }
    }

    /** A failure may tell of the record too: that there is none, or one already. Of a batch it names the record. */
    void failed(Status status, Metadata headers, Metadata trailers) {
      Optional<ErrorInfo> info = Errors.infoOf(status, trailers);
      String about = batch.isEmpty() ? name : info.map(one -> one.getMetadataMap().get("name")).orElse(null);
      Optional<Long> version =
          versionIn(headers)
              .or(() -> versionIn(trailers))
              .or(() -> info.flatMap(one -> parse(one.getMetadataMap().get("version"))));
      if (about != null && version.isPresent()) {
        versions.raise(about, version.get(), moment);
      }
    }
  }

  private static void addVersion(Metadata headers, long version) {
    if (version > 0) {
      headers.put(VERSION, Long.toString(version));
    }
  }

  private static void askAuthorityIf(boolean isNeeded, Metadata headers) {
    if (isNeeded) {
      setOnce(headers, Consistency.AUTHORITY);
    }
  }

  private static void setOnce(Metadata headers, Consistency consistency) {
    if (!headers.containsKey(CONSISTENCY)) {
      headers.put(CONSISTENCY, consistency.text());
    }
  }

  private static Optional<Long> versionIn(Metadata metadata) {
    return metadata == null ? Optional.empty() : parse(metadata.get(VERSION));
  }

  static Optional<Long> parse(String text) {
    if (text == null || !DIGITS.matcher(text).matches()) {
      return Optional.empty();
    }
    // Nineteen digits may be more than fits.
    long version = Long.parseUnsignedLong(text);
    return version < 0 ? Optional.empty() : Optional.of(version);
  }
}
