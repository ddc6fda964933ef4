"""The versions that a session was given."""

from crossfade._versions import KnownVersions


def test_versions_never_go_back() -> None:
    versions = KnownVersions(10)
    versions.raise_to("a/1", 7, 0)
    versions.raise_to("a/1", 5, 0)
    assert [versions.of(name) for name in ("a/1", "a/*", "b/1")] == [7, 7, 0]


def test_versions_are_bounded_and_what_was_not_heard_of_for_longest_goes_first() -> None:
    versions = KnownVersions(3)
    for record_id in (1, 2, 1, 3):
        versions.raise_to(f"a/{record_id}", 1, 0)
    assert [versions.of(f"a/{record_id}") for record_id in (1, 2, 3)] == [1, 0, 1]
    for parent in range(1_000):
        versions.raise_to(f"b{parent}/1", 1, 0)
    assert [versions.of(f"a/{record_id}") for record_id in (1, 2, 3)] == [0, 0, 0]
    assert versions.of("b999/1") == 1
    assert len(versions) == 3


def test_a_version_is_worth_nothing_after_a_list_until_a_later_call_was_answered() -> None:
    versions = KnownVersions(10)
    versions.raise_to("a/1", 1, versions.moment)
    assert not versions.is_shown_by_list("a/1")
    before = versions.moment
    versions.raise_to("a/*", 0, before)
    assert [versions.is_shown_by_list(name) for name in ("a/1", "a/2", "b/1")] == [True, True, False]
    versions.raise_to("a/1", 2, before)
    assert versions.is_shown_by_list("a/1")
    versions.raise_to("a/1", 2, versions.moment)
    assert not versions.is_shown_by_list("a/1")
