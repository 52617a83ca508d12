"""Chooses the model that extends a video."""

from collections.abc import Sequence

from gateway.seeds.errors import NotImplementedHere
from providers.catalogue import Catalogue
from providers.catalogue.names import parts
from schemas.errors import InvalidRequest
from schemas.inputs import Facts
from schemas.orders import GenerationRequest
from schemas.text import shown

_OF_EXTENDERS = frozenset({"extend", "continuation"})

_ANY_PROMPT = "on"


def extender(catalogue: Catalogue, request: GenerationRequest, facts: Facts) -> str:
    """The model that goes on from the video of a request.

    That is the model of the request, or the extender beside the model: `veo-3-fast-extend` beside `veo-3.1-fast`. A
    request without a model gets the extender beside the model of the video, else the cheapest one. The settings of the
    request change no choice but the cheapest one: the order refuses a wrong setting by its name.

    Raises:
        NotImplementedHere: the model extends no video, or no model extends this one. Names those that do.
        RequestError: the model is unknown, retired or paused.
    """
    bare = GenerationRequest(kind=request.kind, model=request.model, prompt=_ANY_PROMPT, video_urls=request.video_urls)
    able = catalogue.extending(bare, facts)
    if request.model is None:
        made_by = next((known.origin.model for known in facts.values() if known.origin is not None), None)
        beside = _beside(made_by, able) if made_by else None
        found = beside or min(able, key=lambda name: _price(catalogue, request, facts, name), default=None)
    else:
        served = _served(catalogue, bare, facts)
        found = served if served in able else _beside(request.model, able)
    if found is None:
        raise _refused(request.model, able, catalogue.extenders())
    return found


def _served(catalogue: Catalogue, request: GenerationRequest, facts: Facts) -> str | None:
    """The model that serves the request. None: the model of the request takes no such video."""
    try:
        return catalogue.order(request, facts).model
    except InvalidRequest:
        return None


def _beside(name: str, able: Sequence[str]) -> str | None:
    return next((one for one in able if _words(one) - _OF_EXTENDERS == _words(name)), None)


def _words(name: str) -> frozenset[str]:
    """The words of a name, without versions: `veo` and `fast` of `veo-3.1-fast`."""
    return frozenset(part for part in parts(name.lower()) if part.isalpha())


def _price(catalogue: Catalogue, request: GenerationRequest, facts: Facts, name: str) -> int:
    fitted = catalogue.fitted(request.model_copy(update={"model": name}), facts).request
    return catalogue.least_price(fitted)


def _refused(model: str | None, able: Sequence[str], extenders: Sequence[str]) -> NotImplementedHere:
    subject = f"{shown(model)} extends no such video" if model else "no model here extends this video"
    if able:
        hint = f"these models extend this one: {', '.join(able)}"
    elif extenders:
        hint = f"these models extend videos, but not this one: {', '.join(extenders)}"
    else:
        hint = "the models that are configured here extend no videos"
    return NotImplementedHere(f"{subject}; {hint}", {"extenders": list(able or extenders)})
