"""The operator's prices in place of those of the catalogue."""

from pathlib import Path

import pytest

from providers.catalogue import Catalogue, CatalogueFile
from providers.catalogue.lint import losses
from providers.catalogue.own_prices import with_own_prices
from schemas.errors import InvalidSettings
from schemas.orders import GenerationRequest
from schemas.setting_groups import PriceSettings
from schemas.settings import Settings
from tests.support import clean_settings

VIDEO = "kling-2.6-text-to-video"


def price(settings: PriceSettings, model: str, **fields: object) -> int:
    request = GenerationRequest.model_validate({"model": model, "prompt": "a boat", **fields})
    return Catalogue.load(frozenset({"kie"}), settings).order(request).credits


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(f"""
        [nano-banana]
        per = "image"
        credits = 0

        ["{VIDEO}"]
        per = "second"
        credits = 3
    """)
    return path


def test_price_of_the_file_replaces_that_of_the_catalogue_and_may_be_0(file: Path) -> None:
    own = PriceSettings(file=file)
    assert price(own, "nano-banana") == 0
    assert price(own, VIDEO, duration_seconds=10) == 30
    assert price(own, "nano-banana-pro") == price(PriceSettings(), "nano-banana-pro") > 0


def test_one_price_for_every_video_leaves_images_and_prices_of_the_file(file: Path) -> None:
    flat = PriceSettings(every_video=50)
    assert price(flat, VIDEO, duration_seconds=10) == price(flat, VIDEO, duration_seconds=5) == 50
    assert price(flat, "nano-banana") == price(PriceSettings(), "nano-banana")
    assert price(PriceSettings(every_video=50, file=file), VIDEO, duration_seconds=5) == 15


def test_free_models_are_told_by_the_comparison_with_costs(file: Path) -> None:
    found = losses(with_own_prices(CatalogueFile.shipped(), PriceSettings(file=file)))
    assert {(loss.model, loss.price) for loss in found if loss.model == "nano-banana"} == {("nano-banana", 0)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[nano-banan]\nper = "image"\ncredits = 1\n', "nano-banan, no model; did you mean nano-banana"),
        ('[nano-banana]\nper = "second"\ncredits = 1\n', "nano-banana: a video is priced per video or second"),
        ('[nano-banana]\nper = "image"\ncredits = -1\n', "nano-banana.credits"),
        ('[nano-banana]\nper = "image"\n', "nano-banana.credits"),
        ("[nano-banana", "is no TOML"),
    ],
)
def test_wrong_file_is_refused_by_its_name_and_the_model(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(InvalidSettings, match=reason) as refused:
        with_own_prices(CatalogueFile.shipped(), PriceSettings(file=path))
    assert "REELWORKS_PRICES__FILE" in str(refused.value)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="cannot be read"):
        with_own_prices(CatalogueFile.shipped(), PriceSettings(file=tmp_path / "none.toml"))


def test_price_of_every_video_has_a_name_of_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_settings()
    monkeypatch.setenv("VIDEO_TOKEN_COST", "50")
    assert Settings(_env_file=None).prices.every_video == 50
    monkeypatch.setenv("REELWORKS_PRICES__EVERY_VIDEO", "7")
    assert Settings(_env_file=None).prices.every_video == 7
