package crossfade

import (
	"fmt"
	"testing"
)

func TestKnownVersionsNeverGoBack(t *testing.T) {
	versions := newKnownVersions(10)
	versions.raise("a/1", 7, 0)
	versions.raise("a/1", 5, 0)
	for name, want := range map[string]uint64{"a/1": 7, "a/*": 7, "b/1": 0} {
		if got := versions.of(name); got != want {
			t.Errorf("%s: %d instead of %d", name, got, want)
		}
	}
}

func TestKnownVersionsAreBoundedAndWhatWasNotHeardOfForLongestGoesFirst(t *testing.T) {
	versions := newKnownVersions(3)
	expect := func(want ...uint64) {
		t.Helper()
		for i, one := range want {
			if got := versions.of(fmt.Sprintf("a/%d", i+1)); got != one {
				t.Errorf("a/%d: %d instead of %d", i+1, got, one)
			}
		}
	}
	for _, id := range []int{1, 2, 1, 3} {
		versions.raise(fmt.Sprintf("a/%d", id), 1, 0)
	}
	expect(1, 0, 1)
	for id := range 1_000 {
		versions.raise(fmt.Sprintf("b%d/1", id), 1, 0)
	}
	expect(0, 0, 0)
	if len(versions.names) != 3 || versions.heard.Len() != 3 || versions.of("b999/1") != 1 {
		t.Errorf("%d names, %d heard of", len(versions.names), versions.heard.Len())
	}
}

func TestAKnownVersionIsWorthNothingAfterAListUntilALaterCallWasAnswered(t *testing.T) {
	versions := newKnownVersions(10)
	expect := func(name string, want bool) {
		t.Helper()
		if got := versions.isShownByList(name); got != want {
			t.Errorf("%s: %t instead of %t", name, got, want)
		}
	}
	versions.raise("a/1", 1, versions.now())
	expect("a/1", false)
	before := versions.now()
	versions.raise("a/*", 0, before)
	expect("a/1", true)
	expect("a/2", true)
	expect("b/1", false)
	versions.raise("a/1", 2, before)
	expect("a/1", true)
	versions.raise("a/1", 2, versions.now())
	expect("a/1", false)
}
