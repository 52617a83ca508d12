"""The operator's prices, in place of those of the catalogue."""

import tomllib
from decimal import Decimal
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from providers.catalogue.models import Model
from providers.catalogue.names import nearest
from providers.catalogue.prices import Price
from providers.catalogue.reading import CatalogueFile
from schemas.enums import Kind
from schemas.errors import InvalidSettings
from schemas.setting_groups import PriceSettings

_PRICES = TypeAdapter(dict[str, Price])


def with_own_prices(catalogue: CatalogueFile, settings: PriceSettings) -> CatalogueFile:
    """The catalogue with the operator's prices. The file's price of a model comes before the price of every video.

    Raises:
        InvalidSettings: the file cannot be read, or has a wrong price. The text names the model and the error.
    """
    if settings.file is None and settings.every_video is None:
        return catalogue
    own = {} if settings.file is None else _read(settings.file, catalogue)
    if settings.every_video is not None:
        flat = Price(per="video", credits=Decimal(settings.every_video))
        own = {model.name: flat for model in catalogue.models if model.kind is Kind.VIDEO} | own
    models = [_with_price(model, own[model.name]) if model.name in own else model for model in catalogue.models]
    return catalogue.model_copy(update={"models": models})


def _read(file: Path, catalogue: CatalogueFile) -> dict[str, Price]:
    try:
        prices = _PRICES.validate_python(tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal))
    except OSError as error:
        raise InvalidSettings(f"REELWORKS_PRICES__FILE: {file} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise InvalidSettings(f"REELWORKS_PRICES__FILE: {file}: {wrong}") from None
    except ValueError as error:
        raise InvalidSettings(f"REELWORKS_PRICES__FILE: {file} is no TOML in UTF-8: {error}") from None
    names = [model.name for model in catalogue.models]
    if unknown := sorted(prices.keys() - set(names)):
        near = nearest(unknown[0], names)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise InvalidSettings(f"REELWORKS_PRICES__FILE: {file} has a price for {', '.join(unknown)}, no model{hint}")
    return prices


def _with_price(model: Model, price: Price) -> Model:
    priced = model.model_copy(update={"price": price, "has_own_price": True})
    try:
        priced.check_price()
    except ValueError as error:
        raise InvalidSettings(f"REELWORKS_PRICES__FILE: {error}") from None
    return priced
