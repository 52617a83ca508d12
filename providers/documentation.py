"""`python -m providers.documentation` (`make docs`) writes the tables of models and vendors in the documentation.

The content comes from the catalogue and the adapters' profiles. A table stands between `<!-- table: NAME -->` and
`<!-- end of table -->`. People write the rest of each page.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from providers.base import Profile
from providers.catalogue import CatalogueFile
from providers.catalogue.models import Model
from providers.registry import adapter, adapter_names
from schemas.limits import Limits
from schemas.names import ProviderName

PAGES = (
    Path("README.md"),
    Path("docs/models-and-styles.md"),
    Path("docs/catalogue.md"),
    Path("docs/adding-a-provider.md"),
    Path("docs/traffic.md"),
)

_SHOWN_IN_README = 4

_TABLE = re.compile(r"(?P<begin><!-- table: (?P<name>\S+) -->\n).*?(?P<end><!-- end of table -->)", re.DOTALL)


def written(page: str) -> str:
    """The page with each table generated from the catalogue.

    Raises:
        KeyError: the page names a table that does not exist.
    """
    tables = {name: "\n".join(_table(rows)) + "\n" for name, rows in _tables(CatalogueFile.shipped()).items()}
    return _TABLE.sub(lambda found: found["begin"] + tables[found["name"]] + found["end"], page)


def _tables(catalogue: CatalogueFile) -> dict[str, list[Sequence[str]]]:
    """The tables by name. The first row of each names the columns."""
    return {
        "providers": [("key", "provider", "models"), *_providers(catalogue)],
        "adapters": [
            (
                "adapter",
                "calls back",
                "cancels",
                "keeps our id",
                "reads inputs",
                "pause between reads",
                "limit of a create",
            ),
            *(_adapter(name, adapter(name).profile) for name in sorted(adapter_names())),
        ],
        "limits": [
            ("adapter", "limits that the vendor documents for every account"),
            *((f"`{name}`", limits) for name in sorted(adapter_names()) if (limits := _limits(adapter(name).profile))),
        ],
        "models": [
            ("model", "good for", "quality", "speed", "price in credits", "served by"),
            *(_model(model) for model in catalogue.models),
        ],
        "retired": [
            ("model", "retired on", "order instead"),
            *((f"`{old.name}`", str(old.retired_on), f"`{old.successor}`") for old in catalogue.retired),
        ],
        "families": [
            ("names", "models"),
            *((_quoted(family.patterns), _quoted(family.models)) for family in catalogue.families),
        ],
        "previews": [("model", "makes the video"), *_previews(catalogue)],
        "styles": [("`style`", "text"), *((f"`{style.name}`", style.text) for style in catalogue.styles)],
    }


def _previews(catalogue: CatalogueFile) -> Iterator[Sequence[str]]:
    """The models for pictures in one row, then a row for each video model. A model that is its own sibling says so."""
    if catalogue.previews is None:
        return
    for model, sibling in catalogue.previews.siblings.items():
        yield f"`{model}`", "itself" if model == sibling else f"`{sibling}`"
    yield "*the picture*", _quoted(catalogue.previews.models)


def _providers(catalogue: CatalogueFile) -> Iterator[Sequence[str]]:
    """One row for each account, in the catalogue's order: the required settings, the vendor, and the models."""
    served: dict[ProviderName, list[str]] = {}
    for model in catalogue.models:
        for route in model.routes:
            served.setdefault(route.provider, []).append(model.name)
    for name, models in served.items():
        profile = adapter(name).profile
        needs = f" and {profile.also_needs}" if profile.also_needs else ""
        yield f"`REELWORKS_PROVIDERS__{name.upper()}__API_KEY`{needs}", profile.title, _first_few(models)


def _model(model: Model) -> Sequence[str]:
    ends = f"; ends on {model.ends_on}, then `{model.successor}`" if model.ends_on else ""
    return (
        f"`{model.name}`",
        f"{model.kind}: {model.good_for}{ends}",
        model.quality,
        model.speed,
        "; ".join(model.price.in_words()),
        _quoted(route.provider for route in model.routes),
    )


def _adapter(name: str, profile: Profile) -> Sequence[str]:
    signed = ", signed" if profile.signs_callbacks else ""
    return (
        f"`{name}`",
        f"yes{signed}" if profile.calls_back else "no",
        "yes" if profile.cancels else "no",
        "yes" if profile.keeps_our_id else "no",
        profile.reads_inputs,
        f"{profile.poll_seconds:g} s" if profile.poll_seconds else "-",
        f"{profile.create_seconds:g} s" if profile.create_seconds else "-",
    )


def _limits(profile: Profile) -> str:
    limits = profile.limits
    families = (f"{_rates(each)} of {_quoted(each.models)}" for each in limits.families.values())
    return "; ".join(each for each in (_rates(limits), *families) if each)


def _rates(limits: Limits) -> str:
    at_once = [] if limits.in_flight is None else [f"{limits.in_flight} generations at once"]
    return ", ".join([*at_once, *(f"{rate.most} creates in {rate.seconds:g} s" for rate in limits.creates)])


def _table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield "|" + "---|" * len(row)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _first_few(names: Sequence[str]) -> str:
    """The first names and the number of the others. `reelworks models` lists all models."""
    few, others = names[:_SHOWN_IN_README], len(names) - _SHOWN_IN_README
    return _quoted(few) + (f" and {others} more" if others > 0 else "")


def main() -> None:
    """Write the tables of every page."""
    for page in PAGES:
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
