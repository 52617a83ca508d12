"""Names of form fields with brackets."""

from collections.abc import Sequence
from typing import Any

import pytest

from gateway.openai.forms import nested
from gateway.problems import ContentTooLarge
from schemas.errors import InvalidRequest
from schemas.json_values import MOST_VALUES

LISTS = frozenset({"frames", "references"})
OBJECTS = frozenset({"metadata", "reference"})

FORMS: Sequence[tuple[list[tuple[str, object]], dict[str, Any]]] = [
    ([("prompt", "a boat"), ("seconds", "4")], {"prompt": "a boat", "seconds": "4"}),
    ([("metadata[a]", "1"), ("metadata[2]", "b")], {"metadata": {"a": "1", "2": "b"}}),
    ([("reference[image_url]", "https://a/b.png")], {"reference": {"image_url": "https://a/b.png"}}),
    ([("references[]", "a"), ("references[]", "b")], {"references": ["a", "b"]}),
    ([("references", "a"), ("references", "b")], {"references": ["a", "b"]}),
    ([("references[1]", "b"), ("references[0]", "a")], {"references": ["a", "b"]}),
    ([("frames[0][url]", "a"), ("frames[0][at]", "x"), ("frames[1][url]", "b")],
     {"frames": [{"url": "a", "at": "x"}, {"url": "b"}]}),
    ([("frames[][url]", "a"), ("frames[][at]", "x"), ("frames[][url]", "b")],
     {"frames": [{"url": "a", "at": "x"}, {"url": "b"}]}),
    ([("metadata", '{"a": "1"}'), ("references", '["a"]')], {"metadata": {"a": "1"}, "references": ["a"]}),
    ([("prompt", "[a boat]")], {"prompt": "[a boat]"}),
    ([("metadata[tag]", "[draft] boat"), ("metadata[ctx]", '{"a":1}')],
     {"metadata": {"tag": "[draft] boat", "ctx": '{"a":1}'}}),
    ([("metadata", '{"a": {"b": [1, {"c": []}]}}')], {"metadata": {"a": {"b": [1, {"c": []}]}}}),
]  # fmt: skip


@pytest.mark.parametrize(("items", "values"), FORMS, ids=lambda value: str(value)[:40])
def test_a_form_has_the_values_of_a_json_body(items: list[tuple[str, object]], values: dict[str, Any]) -> None:
    assert nested(items, lists=LISTS, objects=OBJECTS) == values


@pytest.mark.parametrize(
    ("items", "detail"),
    [
        ([("a[b", "1")], "a[b: is no name of a field, such as name[key]"),
        ([("[a]", "1")], "[a]: is no name of a field, such as name[key]"),
        ([("a" + "[b]" * 9, "1")], f"a{'[b]' * 9}: is no name of a field, such as name[key]"),
        ([("a", "1"), ("a", "2")], "a: is given twice"),
        ([("a", "1"), ("a[b]", "2")], "a[b]: is given twice"),
        ([("metadata", "{")], "metadata: is not valid JSON"),
        ([("metadata", "[" * 600 + "]" * 600)], "metadata: is JSON of more than 8 levels"),
        ([("metadata", "[" * 10_000 + "]" * 10_000)], "metadata: is JSON of more than 8 levels"),
        ([("metadata", "x"), ("metadata[a]", "y")], "metadata[a]: is given twice"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_malformed_or_repeated_name_is_refused(items: list[tuple[str, object]], detail: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        nested(items, lists=LISTS, objects=OBJECTS)
    assert refused.value.detail == detail


def test_values_of_all_json_texts_of_a_form_are_counted_before_they_are_read() -> None:
    """The second text is no JSON, and the refusal comes before the parser would see that."""
    half = "[" + "1," * (MOST_VALUES // 2)
    items = [("references", f"{half}1]"), ("metadata", half)]
    with pytest.raises(ContentTooLarge, match="metadata is too large: JSON may have up to 20000"):
        nested(items, lists=LISTS, objects=OBJECTS)


def test_commas_of_texts_that_are_no_json_are_not_counted() -> None:
    text = "a, " * MOST_VALUES
    items = [("metadata[a]", text), ("prompt", text), ("references[]", text)]
    assert nested(items, lists=LISTS, objects=OBJECTS)["references"] == [text]
