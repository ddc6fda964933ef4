package dev.crossfade.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class KnownVersionsTest {
  private static final String RECORD = "patients/p/medications/1";
  private static final String LIST = "patients/p/medications/*";

  private final KnownVersions versions = new KnownVersions(4);

  @Test
  void aVersionNeverGoesBack() {
    versions.raise(RECORD, 7, 0);
    versions.raise(RECORD, 5, 0);
    assertEquals(7, versions.of(RECORD));
  }

  @Test
  void aListIsNoOlderThanItsRecords() {
    versions.raise(RECORD, 7, 0);
    assertEquals(7, versions.of(LIST));
    versions.raise(LIST, 9, 0);
    assertEquals(9, versions.of(LIST));
    assertEquals(7, versions.of(RECORD));
  }

  @Test
  void aListMayHaveShownMoreOfARecordThanIsKnown() {
    versions.raise(RECORD, 7, versions.moment());
    assertFalse(versions.isShownByList(RECORD));
    versions.raise(LIST, 9, versions.moment());
    assertTrue(versions.isShownByList(RECORD));
    assertTrue(versions.isShownByList("patients/p/medications/2"));
    versions.raise(RECORD, 9, versions.moment());
    assertFalse(versions.isShownByList(RECORD));
  }

  @Test
  void anAnswerThatAListOvertookDoesNotCountAsLater() {
    long sentAt = versions.moment();
    versions.raise(LIST, 9, versions.moment());
    versions.raise(RECORD, 7, sentAt);
    assertTrue(versions.isShownByList(RECORD));
  }

  @Test
  void whatWasNotHeardOfForTheLongestIsForgottenFirst() {
    for (int i = 1; i <= 5; i++) {
      versions.raise("patients/p/medications/" + i, i, 0);
    }
    assertEquals(0, versions.of("patients/p/medications/1"));
    assertEquals(5, versions.of("patients/p/medications/5"));
    assertEquals(5, versions.of(LIST));
  }

  @Test
  void areReadUpToTheGreatestThereIs() {
    assertEquals(Optional.of(Long.MAX_VALUE), SessionState.parse("9223372036854775807"));
    for (String none : new String[] {null, "", "-1", "+1", "1x", "9223372036854775808", "10000000000000000000"}) {
      assertEquals(Optional.empty(), SessionState.parse(none));
    }
  }
}
