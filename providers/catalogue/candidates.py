"""Finds the models that a request can mean: by name, alias, successor, family or kind."""

from collections.abc import Collection, Iterable

from providers.catalogue.capabilities import FieldProblem
from providers.catalogue.models import Family, Model, RetiredModel
from providers.catalogue.names import has_unseen_characters, misspells, nearest, parts, ranked
from providers.catalogue.reading import CatalogueFile
from schemas.enums import Kind
from schemas.errors import InvalidRequest, ModelPaused, ModelRetired, NoSandbox
from schemas.orders import GenerationRequest
from schemas.text import shown


class Candidates:
    """The models of a file of which some can be ordered here.

    Args:
        orderable: the names of the models with a route, in the order of the file.
        needs_sandbox: whether the routes lead to the sandbox. Without routes, there is no sandbox.
    """

    def __init__(self, file: CatalogueFile, orderable: Collection[str], *, needs_sandbox: bool) -> None:
        self._file = file
        self._orderable = orderable
        self._needs_sandbox = needs_sandbox
        self._by_name = file.models_by_name()
        self._by_parts = {parts(name): model for name, model in self._by_name.items()}
        self._retired = {parts(name): model for model in file.retired for name in (model.name, *model.aliases)}

    def known(self, name: str) -> Model | RetiredModel | None:
        """The model with a name or alias, in any spelling that an order may use, whether or not it can be ordered."""
        return self._retired.get(parts(name)) or self._by_parts.get(parts(name))

    def orderable(self) -> list[Model]:
        """The models that can be ordered, in the order of the file."""
        return self._active(self._file.models)

    def of(self, request: GenerationRequest) -> list[Model]:
        """The models that a request can mean, at least one: by name, by alias, by successor, by family, or by kind."""
        if self._needs_sandbox and not self._orderable:
            raise NoSandbox
        if request.model is None:
            return self._of_kind(request.kind)
        if retired := self._retired.get(parts(request.model)):
            return self._instead(retired, request.model, request)
        return self._named(request.model, request)

    def _instead(self, gone: RetiredModel | Family, name: str, request: GenerationRequest) -> list[Model]:
        """The successor of a retired model or family, if the request allows a successor."""
        if gone.successor is None or gone.retired_on is None:
            raise self._not_orderable(name, f"no provider that is configured here serves a model like {shown(name)!r}")
        if request.allow_substitution:
            return self._named(gone.successor, request)
        text = f"{shown(name)} was retired on {gone.retired_on}; its successor is {gone.successor}"
        raise ModelRetired(text, {"retired_on": gone.retired_on.isoformat(), "successor": gone.successor})

    def _named(self, name: str, request: GenerationRequest) -> list[Model]:
        model = self._by_parts.get(parts(name))
        if model is None:
            return self._relatives(name, request)
        if model.name not in self._orderable:
            return self._stand_ins(name, request)
        if model.paused_on is None:
            return [model]
        if model.successor is not None and request.allow_substitution:
            return self._named(model.successor, request)
        hint = f"; until it is back, order {model.successor}" if model.successor else ""
        extra: dict[str, object] = {"paused_on": model.paused_on.isoformat(), "successor": model.successor}
        raise ModelPaused(f"{shown(name)} is paused since {model.paused_on}{hint}", extra)

    def _stand_ins(self, name: str, request: GenerationRequest) -> list[Model]:
        """The models that serve an order of a model that no account here serves."""
        for family in self._file.families:
            if family.stands_in and family.answers_to(name, self._file.tiers):
                return self._members(family, name, request)
        raise self._not_orderable(name, f"no provider that is configured here serves the model {shown(name)!r}")

    def _relatives(self, name: str, request: GenerationRequest) -> list[Model]:
        """The models of the name's family. For a name that no model has."""
        if has_unseen_characters(name):
            reason = f"there is no model {shown(name)!r}: names have neither white space nor control characters"
            raise self._not_orderable(name, reason)
        family = self._family(name, request.kind)
        if family is None:
            raise self._not_orderable(name, f"there is no model {shown(name)!r}")
        return self._members(family, name, request)

    def _members(self, family: Family, name: str, request: GenerationRequest) -> list[Model]:
        """The models of a family that can be ordered here."""
        members = self._active(self._by_name[member] for member in family.models)
        return members or self._instead(family, name, request)

    def _family(self, name: str, kind: Kind | None) -> Family | None:
        """The first family of the kind that a name fits, or of any kind if there is none. None for a misspelt name."""
        families = [family for family in self._file.families if family.answers_to(name, self._file.tiers)]
        if families and any(misspells(name, known) for known in self._by_name):
            return None
        of_kind = (family for family in families if self._by_name[family.models[0]].kind is kind)
        return next(of_kind, next((family for family in families if not family.needs_kind), None))

    def _of_kind(self, kind: Kind | None) -> list[Model]:
        if kind is None:
            problem = FieldProblem(field="model", message="is missing", allowed=list(self._orderable))
            raise InvalidRequest('name a model, or say which kind: "image" or "video"', {"errors": [problem]})
        models = self._active(model for model in self._file.models if model.kind is kind)
        if not models:
            raise self._not_orderable(kind, f"no provider that is configured here makes {kind}s")
        return models

    def _active(self, models: Iterable[Model]) -> list[Model]:
        return [model for model in models if model.name in self._orderable and model.paused_on is None]

    def _not_orderable(self, name: str, reason: str) -> InvalidRequest:
        names = list(self._orderable)
        close = nearest(name, [known for known, model in self._by_name.items() if model.name in self._orderable])
        if close:
            hint = f"did you mean {' or '.join(close)}?"
        else:
            hint = f"there are {', '.join(names)}" if names else "none can be ordered now"
        problem = FieldProblem(field="model", message=reason, allowed=ranked(close, names))
        return InvalidRequest(f"{reason}; {hint}", {"errors": [problem]})
