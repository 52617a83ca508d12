"""Reading the files of a catalogue into one table: fields of groups, and the order of models."""

from pathlib import Path
from typing import Any

import pytest

from providers.catalogue import CatalogueFile
from providers.catalogue.reading import read_folder

MAKER = 'maker = "Acme"\n'
GROUP = """
[groups.quick]
kind = "image"
capabilities.prompt_characters = 100
capabilities.output_formats = ["png"]
defaults.output_format = "png"
price = { credits = 4, per = "image" }
good_for = "tests"
quality = "draft"
speed = "fast"
costs.kie = { amount = 4, per = "image", currency = "USD", source = "https://vendor.example", seen_on = 2026-11-28 }
"""
PLAIN = """
[[models]]
name = "plain"
group = "quick"
title = "Plain"
description = "As its group."
routes = [{ provider = "kie", model = "plain" }]
"""
DEAR = """
[[models]]
name = "dear"
group = "quick"
title = "Dear"
description = "Costs more, and takes less."
capabilities.prompt_characters = 50
price.credits = 1.1
routes = [{ provider = "kie", model = "dear" }]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "makers").mkdir()
    write(tmp_path, ["dear", "plain"], maker=GROUP + PLAIN + DEAR)
    return tmp_path


def write(folder: Path, order: list[str], **makers: str) -> None:
    (folder / "catalogue.toml").write_text(f"credit_dollars = 0.005\norder = {order}\nretired = []\n")
    for maker, text in makers.items():
        (folder / "makers" / f"{maker}.toml").write_text(MAKER + text)


def read(folder: Path) -> CatalogueFile:
    return CatalogueFile.model_validate(read_folder(folder))


def values(folder: Path, model: str) -> dict[str, Any]:
    return next(entry for entry in read(folder).models if entry.name == model).model_dump()


def test_a_model_inherits_the_fields_of_its_group(folder: Path) -> None:
    plain = values(folder, "plain")
    assert plain["kind"] == "image"
    assert plain["capabilities"]["prompt_characters"] == 100
    assert (plain["price"]["credits"], plain["price"]["per"]) == (4, "image")


def test_a_model_has_the_maker_of_its_file(folder: Path) -> None:
    assert values(folder, "plain")["maker"] == "Acme"


def test_a_field_of_the_model_overrides_the_field_of_its_group(folder: Path) -> None:
    dear = values(folder, "dear")
    assert dear["capabilities"]["prompt_characters"] == 50
    assert dear["capabilities"]["output_formats"] == ["png"]
    assert (str(dear["price"]["credits"]), dear["price"]["per"]) == ("1.1", "image")


@pytest.mark.parametrize("first", ["plain", "dear"])
def test_the_order_list_decides_and_not_the_file_names(folder: Path, first: str) -> None:
    second = {"plain": "dear", "dear": "plain"}[first]
    write(folder, [first, second], maker=GROUP + PLAIN, another=GROUP + DEAR)
    assert [model.name for model in read(folder).models] == [first, second]


@pytest.mark.parametrize(
    ("order", "maker", "message"),
    [
        (["plain"], GROUP + PLAIN + DEAR, r"not \['dear'\]"),
        (["plain", "dear", "new"], GROUP + PLAIN + DEAR, r"not \['new'\]"),
        (["plain", "dear", "plain"], GROUP + PLAIN + DEAR, r"not \['plain'\]"),
        (["plain"], GROUP + PLAIN + PLAIN, r"not \['plain'\]"),
        (["plain"], PLAIN, r"maker.toml: plain names the group 'quick'; there are \[\]"),
        (["plain"], GROUP + PLAIN.replace("models", "model"), r"maker.toml: .*\s.*\s.*models\s.*Field required"),
        (["plain"], GROUP + PLAIN.replace("name =", "nam ="), r"name\s.*Field required"),
    ],
)
def test_inconsistent_files_are_refused(folder: Path, order: list[str], maker: str, message: str) -> None:
    write(folder, order, maker=maker)
    with pytest.raises(ValueError, match=message):
        read_folder(folder)


def test_an_unknown_field_of_a_group_is_refused(folder: Path) -> None:
    write(folder, ["plain"], maker=GROUP + 'colour = "red"\n' + PLAIN)
    with pytest.raises(ValueError, match=r"Extra inputs are not permitted"):
        read(folder)
