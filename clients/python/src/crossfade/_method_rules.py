"""What is known of a method before any call of it, by AIP-131 to AIP-136 and AIP-231 to AIP-235."""

from __future__ import annotations

import enum
import functools
import re
from dataclasses import dataclass

from google.api import resource_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

_READS = re.compile(r"^(Get|List|BatchGet|Lookup|Watch)")
#: As many methods as one program may well call; beyond that rules are only found again.
_MOST_METHODS = 1_000


class CallKind(enum.Enum):
    """What a call is, as far as sending it again is concerned."""

    READ = enum.auto()
    WRITE = enum.auto()
    #: A write whose every record has a ``request_id`` (AIP-155): a second one has no second effect.
    NAMED_WRITE = enum.auto()


@dataclass(frozen=True)
class InputRules:
    """Where a request holds the name of its record."""

    has_name: bool
    has_parent: bool
    has_request_id: bool
    has_names: bool
    #: Of a Create: the field with the new record's id, and the collection that it comes into. Empty: it is none.
    id_field: str
    collection: str
    #: The fields that may hold the record with its name.
    records: tuple[str, ...]

    def name_of(self, request: Message, parent: str = "") -> str:
        """The record's own name. ``parent``: of the batch, where the request leaves its own out."""
        if self.id_field:
            record_id = _text(request, self.id_field)
            own = _text(request, "parent") if self.has_parent else ""
            return _within(own or parent, self.collection, record_id) if record_id else ""
        if self.has_name and (name := _text(request, "name")):
            return name
        for field in self.records:
            if request.HasField(field) and (name := _text(getattr(request, field), "name")):
                return name
        return ""


@dataclass(frozen=True)
class MethodRules:
    """The rules of one method."""

    reads: bool
    is_batch: bool
    #: Of a List: the collection that it lists; empty: none.
    collection: str
    input: InputRules
    #: Of the requests in a batch.
    each: InputRules | None
    answer_has_name: bool

    def kind_of(self, request: Message) -> CallKind:
        """What a call of the method is."""
        if self.reads:
            return CallKind.READ
        if self.is_batch and self.each is not None:
            requests = request.requests  # type: ignore[attr-defined]
            is_named = self.each.has_request_id and len(requests) > 0 and all(one.request_id for one in requests)
        else:
            is_named = self.input.has_request_id and bool(_text(request, "request_id"))
        return CallKind.NAMED_WRITE if is_named else CallKind.WRITE

    def name_of(self, request: Message) -> str:
        """The name under which a session remembers the version of an answer: the record's own, and its list's for a List.

        Empty: the request names neither.
        """
        if self.is_batch:
            return ""
        if self.collection:
            return _within(_text(request, "parent") if self.input.has_parent else "", self.collection, "*")
        return self.input.name_of(request)

    def names_of(self, request: Message) -> tuple[str, ...]:
        """The names of the records of a batch, without doubles."""
        if not self.is_batch:
            return ()
        names: list[str] = list(request.names) if self.input.has_names else []  # type: ignore[attr-defined]
        if self.each is not None:
            parent = _text(request, "parent") if self.input.has_parent else ""
            names += [self.each.name_of(one, parent) for one in request.requests]  # type: ignore[attr-defined]
        return tuple(dict.fromkeys(name for name in names if name))

    def name_in(self, answer: Message) -> str:
        """The name of the record that an answer holds, for requests that did not know it."""
        return _text(answer, "name") if self.answer_has_name else ""


@functools.lru_cache(maxsize=_MOST_METHODS)
def rules_of(method: str, pool: DescriptorPool) -> MethodRules | None:
    """The rules of ``/package.Service/Method``; ``None``: it is not of the pool, so a call of it counts as a write."""
    try:
        desc = pool.FindMethodByName(method.removeprefix("/").replace("/", "."))
    except KeyError:
        return None
    is_safe = desc.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
    is_batch = desc.name.startswith("Batch")
    requests = desc.input_type.fields_by_name.get("requests") if is_batch else None
    # The requests of a BatchCreate have a parent, those of the other batches have not.
    each = requests and _is_list(requests) and requests.message_type
    return MethodRules(
        reads=is_safe or _READS.match(desc.name) is not None,
        is_batch=is_batch,
        collection=_listed(desc.output_type) if desc.name.startswith("List") else "",
        input=_compile(desc.input_type, desc.name.startswith("Create")),
        each=_compile(each, _has_text(each, "parent")) if each else None,
        answer_has_name=_has_text(desc.output_type, "name"),
    )


def _compile(message: Descriptor, is_create: bool) -> InputRules:
    names = message.fields_by_name.get("names")
    singular = [
        (field.name, field.message_type)
        for field in message.fields
        if field.message_type is not None and not _is_list(field)
    ]
    created = [
        (f"{field}_id", collection)
        for field, kind in singular
        if is_create and _has_text(message, f"{field}_id") and (collection := _collection_of(kind))
    ]
    # The name in the record of a Create counts for nothing, says AIP-133.
    records = () if is_create else (field for field, kind in singular if _has_text(kind, "name"))
    id_field, collection = created[0] if created else ("", "")
    return InputRules(
        has_name=_has_text(message, "name"),
        has_parent=_has_text(message, "parent"),
        has_request_id=_has_text(message, "request_id"),
        has_names=names is not None and _is_list(names) and names.type == FieldDescriptor.TYPE_STRING,
        id_field=id_field,
        collection=collection,
        records=tuple(records),
    )


def _listed(answer: Descriptor) -> str:
    lists = (field.message_type for field in answer.fields if field.message_type is not None and _is_list(field))
    return next((collection for each in lists if (collection := _collection_of(each))), "")


def _collection_of(message: Descriptor) -> str:
    """``medications``, from the resource's pattern; empty: the message is no resource."""
    patterns = message.GetOptions().Extensions[resource_pb2.resource].pattern
    parts = patterns[0].split("/") if patterns else []
    return parts[-2] if len(parts) > 1 else ""


def _has_text(message: Descriptor, name: str) -> bool:
    field = message.fields_by_name.get(name)
    return field is not None and field.type == FieldDescriptor.TYPE_STRING and not _is_list(field)


def _is_list(field: FieldDescriptor) -> bool:
    return field.is_repeated


def _within(parent: str, collection: str, record_id: str) -> str:
    return f"{parent}/{collection}/{record_id}" if parent else f"{collection}/{record_id}"


def _text(message: Message, field: str) -> str:
    return str(getattr(message, field))
