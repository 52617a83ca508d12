"""What came of an interaction: its file, or why there is none.

What the model made is the last picture or video of its steps, by the rule of Google's client
(`_output_properties_from_steps` of google-genai's `_gaos/google_genai.py`). It is asked for as a URI, and may be there
as base64 all the same: "Currently, calling GET /v1beta/interactions/{id} returns the video as inline base64 data in the
data field, even if the interaction was originally created with delivery: uri"
(https://ai.google.dev/gemini-api/docs/omni). Then its link is that of the interaction, and the file is within. Steps
tell of the input, too, with its bytes, so the link also says how many texts of the same name stand before the file's.

Google does not say with which code or status it refuses what it holds unsafe; a refusal was seen as `completed` with
words alone. So no refusal is told from another failure here.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final

from pydantic import JsonValue, StringConstraints, TypeAdapter, ValidationError

from providers.account import Account
from providers.adapters.gemini.wire import API, INTERACTIONS, Interaction, JsonObject
from providers.base import RemoteState, RemoteStatus, ResultRequest
from providers.http.redaction import quotable
from schemas.enums import ErrorCode
from schemas.errors import ProviderBadResponse

EMBEDDED: Final = "data"
"""The name of the text that a file is embedded in."""

_MEDIA: Final = frozenset({"image", "video"})
_FILES: Final = "files/"
_LINK: Final = TypeAdapter(Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x00]+$")])

# What an end means that is neither a success nor a plain failure.
_ENDS: Final[Mapping[str, str]] = {
    "incomplete": "it stopped before the result was whole",
    "budget_exceeded": "it used up what it may compute for one result",
    "requires_action": "it waits for an answer, and nobody is there to give one",
    "requires_continuation": "it waits to be told to go on, and nobody is there to do so",
}


def to_success(interaction: Interaction, account: Account) -> RemoteState:
    """The state of an interaction that is completed.

    Raises:
        ProviderBadResponse: a result of another form.
    """
    contents = list(_contents(interaction.document))
    for kind, content in contents:
        if kind not in _MEDIA:
            continue
        if uri := content.get("uri"):
            return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[_link(uri, account)])
        if isinstance(content.get(EMBEDDED), str):
            place = _place(content, interaction.document)
            link = f"{account.url(INTERACTIONS)}/{interaction.id}#{place}"
            return RemoteState(RemoteStatus.SUCCEEDED, result_urls=[link])
    words = next((text for _, content in contents if isinstance(text := content.get("text"), str) and text), None)
    if words is not None:
        return _failed(f"gemini answered with words in place of a result: {quotable(words)}")
    return _failed("gemini reported success without a result")


def to_failure(interaction: Interaction) -> RemoteState:
    """The state of an interaction that did not succeed, with what Google says of it."""
    told = [quotable(fault.message) for fault in interaction.errors or [] if fault.message]
    if end := _ENDS.get(interaction.status):
        told.insert(0, f"{end} ({interaction.status})")
    return _failed(f"gemini could not generate it: {'; '.join(told) or 'no reason given'}")


def to_request(link: str, account: Account) -> ResultRequest:
    """How the file behind a link of `to_success` is fetched."""
    url, _, place = link.partition("#")
    path, headers = account.path_of(url) or "", account.headers_for(url)
    if path.startswith(f"{INTERACTIONS}/"):
        embedded_after = int(place) if place.isdigit() else 0
        return ResultRequest(url, headers=headers, embedded_in=EMBEDDED, embedded_after=embedded_after)
    if path.startswith(f"{API}/{_FILES}") and "alt=" not in url:
        # Without it, what is known of the file is answered, and not the file.
        url += "&alt=media" if "?" in url else "?alt=media"
    return ResultRequest(url, headers=headers)


def _contents(document: JsonObject) -> Iterator[tuple[JsonValue, JsonObject]]:
    """What the model said and made, after its kind, the last first."""
    steps = document.get("steps")
    for step in reversed(steps if isinstance(steps, list) else []):
        if not isinstance(step, dict) or step.get("type") != "model_output":
            continue
        contents = step.get("content")
        for content in reversed(contents if isinstance(contents, list) else []):
            if isinstance(content, dict):
                yield content.get("type"), content
    for kind in sorted(_MEDIA):
        output = document.get(f"output_{kind}")
        if isinstance(output, dict):
            yield kind, output


def _link(uri: JsonValue, account: Account) -> str:
    # In an example of Google's a file has its name alone.
    if isinstance(uri, str) and uri.startswith(_FILES):
        return account.url(f"{API}/{uri}")
    try:
        return _LINK.validate_python(uri)
    except ValidationError:
        raise ProviderBadResponse("gemini reported success with a result of another form") from None


def _place(content: JsonObject, document: JsonObject) -> int:
    """How many texts of the name stand in the document before that of this content."""
    return next(place for place, holder in enumerate(_holders(document)) if holder is content)


def _holders(value: JsonValue) -> Iterator[JsonObject]:
    """The objects that have a text of the name, in the order in which these texts stand in the document."""
    if isinstance(value, list):
        for item in value:
            yield from _holders(item)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name == EMBEDDED and isinstance(member, str):
                yield value
            else:
                yield from _holders(member)


def _failed(message: str) -> RemoteState:
    return RemoteState(RemoteStatus.FAILED, error_code=ErrorCode.PROVIDER_FAILED, error_message=message)
